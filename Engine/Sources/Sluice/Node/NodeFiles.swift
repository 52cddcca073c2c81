extension NodeContext {
    /// Opens a file that the node writes, and takes it for itself. Says in one line where it took another name, because
    /// that file is there already; `isNews` false: the node says so itself. `part` is the first number that is tried.
    /// Throws `NodeError`: the path cannot be written, or another writer has it.
    public func openFile(_ path: String, ifExists: WrittenFile.Existing = .auto, part: Int = 1, isNews: Bool = true)
        throws -> WrittenFile
    {
        let file: WrittenFile
        do {
            file = try WrittenFile.open(path, ifExists: ifExists.resolved(inInstance: isInInstance), part: part)
        } catch {
            throw NodeError("cannot write \"\(path)\": \(error.reason)", advice: error.advice, isInputError: true)
        }
        if isNews, file.path != path { log(.info, "\"\(path)\" is kept: this goes into \"\(file.path)\"") }
        return file
    }
}
