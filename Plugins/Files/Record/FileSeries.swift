import Glibc
import Sluice

/// The files that one `record` writes, one after the other: their names, how many of them stay, and the room that the
/// disk must have. Of the node's lane.
///
/// Only files that it or its predecessor before a restart wrote are deleted, and those only while they are still the
/// same files.
final class FileSeries {
    struct Rules {
        var name: FileName
        var ifExists: WrittenFile.Existing
        /// Files that stay, the present one included; 0: all.
        var keep = 0
        /// Bytes of all files, the present one included; 0: any.
        var keepBytes: Int64 = 0
        /// Bytes that stay free on the disk; 0: none.
        var leastFree: Int64 = 0
        /// Of a disk with less room it may be less, down to a sixteenth of that at the start.
        var adaptsLeastFree = false

        var deletes: Bool { keep > 0 || keepBytes > 0 }
    }

    private let rules: Rules
    private let context: NodeContext
    private let disk: DiskSpace
    private var watch: SpaceWatch
    private let kept: KeptFiles?
    /// Whole, or ended by an error.
    private var written: [KeptFiles.File]
    private var writtenBytes: Int64
    /// A file to which nothing was written goes with its last owner.
    private weak var present: FileSink?
    private var madeFolders: Set<String> = []
    private var saidDeleting = false
    private var saidTooSmall = false
    private let deleted: Metric.Counter
    /// Files that were begun or are about to be.
    private(set) var count = 0

    /// Looks for `DiskSpace` and `KeptFiles` among the services.
    init(_ rules: Rules, _ context: NodeContext) throws {
        (self.rules, self.context) = (rules, context)
        disk = try context.service(DiskSpace.self) ?? .system
        kept = try context.service(KeptFiles.self)
        written = kept?.take(of: context.nameInSession) ?? []
        writtenBytes = written.reduce(0) { $0 + $1.bytes }
        watch = SpaceWatch(least: rules.leastFree)
        deleted = context.counter("deleted_files")
    }

    // MARK: Names

    /// Under the virtual clock its time since 1970, so that a run's files have the same names each time.
    private var seconds: Int {
        if context.isVirtual { return Int(context.now.nanoseconds / 1_000_000_000) }
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time.tv_sec
    }

    /// The next file. Nothing of it is there until the first byte.
    func open() throws -> FileSink {
        count += 1
        while rules.keep > 0, written.count >= rules.keep { try deleteOldest() }
        watch.begin()
        let seconds = seconds
        let name = rules.name.text(at: seconds, isUTC: context.isVirtual)
        for folder in rules.name.folders(at: seconds, isUTC: context.isVirtual)
        where mkdir(folder, 0o777) == 0 {
            madeFolders.insert(folder)
        }
        let isFirst = count == 1 && context.restarts == 0
        // This run has written it, and it stays.
        let isOwn = rules.name.isTimed && written.contains { $0.name == name }
        let ifExists: WrittenFile.Existing = isOwn || !isFirst && rules.ifExists == .fail ? .number : rules.ifExists
        let part = context.restarts + (rules.name.isTimed ? 1 : count)
        let sink = FileSink(
            try context.openFile(name, ifExists: ifExists, part: part, isNews: count == 1), name: name)
        if count == 1, rules.adaptsLeastFree, let free = disk.free(sink.descriptor) {
            watch = SpaceWatch(least: min(rules.leastFree, free / 16))
        }
        present = sink
        return sink
    }

    /// `sink`, to which nothing was written, or one with the name of now.
    func renewed(_ sink: FileSink) throws -> FileSink {
        guard rules.name.isTimed, rules.name.text(at: seconds, isUTC: context.isVirtual) != sink.name else {
            return sink
        }
        count -= 1
        return try open()
    }

    // MARK: Bounds

    /// `sink` is whole. Its container's end may have made it larger.
    func ended(_ sink: FileSink, _ identity: FileSink.Identity?) throws {
        note(sink, identity)
        while rules.keepBytes > 0, written.count > 1, writtenBytes > rules.keepBytes { try deleteOldest() }
    }

    private func note(_ sink: FileSink, _ identity: FileSink.Identity?) {
        written.append(
            KeptFiles.File(path: sink.path, name: sink.name, bytes: sink.bytesWritten, identity: identity))
        writtenBytes += sink.bytesWritten
        present = nil
    }

    /// The node closes, perhaps to be started anew. To be called while the present file is open.
    func leave() {
        if let present, present.bytesWritten > 0 { note(present, present.identity) }
        kept?.leave(written, of: context.nameInSession)
    }

    private func deleteOldest() throws {
        let oldest = written.removeFirst()
        writtenBytes -= oldest.bytes
        guard let identity = oldest.identity, FileSink.Identity(path: oldest.path) == identity else {
            return context.log(.info, "\"\(oldest.path)\" is another file now, or gone: it is left alone")
        }
        guard unlink(oldest.path) == 0 else {
            throw NodeError(
                "cannot delete \"\(oldest.path)\", which is one more than may stay: \(errorText(errno))",
                advice: "Let this process write the directory, or leave out \"keep\" and \"keep_mb\".")
        }
        deleted.add()
        if let slash = oldest.path.lastIndex(of: "/") {
            let folder = String(oldest.path[..<slash])
            if madeFolders.contains(folder), rmdir(folder) == 0 { madeFolders.remove(folder) }
        }
        guard !saidDeleting else { return }
        saidDeleting = true
        context.log(.info, "\"\(oldest.path)\" is deleted, and from now on the oldest file where one is too many")
    }

    /// Whether the present file goes on.
    enum Verdict: Equatable {
        case goOn
        /// It is to end: only so many bytes are free.
        case low(free: Int64)
    }

    /// Deletes what is too much. To be called after writing.
    func look(_ sink: FileSink, now: Instant) throws -> Verdict {
        guard sink.isSeekable else { return .goOn }
        if rules.keepBytes > 0 {
            while !written.isEmpty, writtenBytes + sink.bytesWritten > rules.keepBytes { try deleteOldest() }
            if sink.bytesWritten > rules.keepBytes, !saidTooSmall {
                saidTooSmall = true
                context.log(
                    .warning,
                    "\"\(sink.path)\" alone is larger than keep_mb: it goes on to its end\n  Choose a shorter segment_s or a larger keep_mb."
                )
            }
        }
        guard watch.isDue(now, written: sink.bytesWritten) else { return .goOn }
        while let free = disk.free(sink.descriptor), free < watch.least {
            guard rules.deletes, !written.isEmpty else { return .low(free: free) }
            try deleteOldest()
        }
        return .goOn
    }

    /// The sentence for a disk without room. `whole`: what became of the file.
    func refusal(free: Int64, of path: String, whole: String) -> NodeError {
        NodeError(
            "only \(FileSink.size(free)) are free for \"\(path)\", and \(FileSink.size(watch.least)) are to stay free\(whole)",
            advice: "Make room, let old segments go (\"keep\", \"keep_mb\"), or leave less free: \"min_free_mb\".",
            isInputError: whole.isEmpty)
    }
}
