/// A file system as a spool uses it. Paths are relative to the spool's directory, which `""` is. Each call throws
/// `DiskFault`. From any thread, but one file from one at a time.
public protocol SpoolDisk: AnyObject, Sendable {
    /// Of files and directories in a directory, in no order; none where it is not there.
    func names(in folder: String) throws(DiskFault) -> [String]
    /// With those around it. One that is there already is no fault.
    func makeFolder(_ path: String) throws(DiskFault)
    /// All bytes of a file, of which there are `most` at most.
    func read(_ path: String, most: Int) throws(DiskFault) -> [UInt8]
    /// In bytes; nil where there is no such file.
    func size(_ path: String) -> Int?
    /// Behind what is there; makes the file. Where it throws, a part may be written.
    func append(_ bytes: [UInt8], to path: String) throws(DiskFault)
    /// In the place of what is there.
    func write(_ bytes: [UInt8], to path: String, at offset: Int) throws(DiskFault)
    /// All behind so many bytes is gone.
    func cut(_ path: String, to size: Int) throws(DiskFault)
    /// All of it, and its name, are on the disk. May take seconds.
    func sync(_ path: String) throws(DiskFault)
    /// In the place of one that is there.
    func rename(_ path: String, to other: String) throws(DiskFault)
    /// One that is not there is no fault.
    func remove(_ path: String) throws(DiskFault)
    /// Keeps others from a file until `unlock`, or until the process ends. False where another has it.
    func lock(_ path: String) throws(DiskFault) -> Bool
    /// Others may have it.
    func unlock(_ path: String)
}

/// A failure of the system at a file.
public struct DiskFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// errno(3).
    public let code: Int32
    /// The end of a sentence, without the path of another machine's file in it.
    public let words: String

    public init(_ code: Int32, _ words: String) { (self.code, self.words) = (code, words) }

    public var description: String { words }
}
