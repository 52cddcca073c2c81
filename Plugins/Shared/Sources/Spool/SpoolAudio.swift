/// The samples of a batch, joined, and the way back from them to the session's. Pure.
public struct SpoolAudio: Equatable, Sendable {
    /// A file of it, and the part of it that is wanted.
    public struct Part: Equatable, Sendable {
        /// Of the file, from the spool's directory on.
        public let path: String
        /// As the index has it.
        public let chunk: SpoolChunk
        /// Of the session. It may reach beyond the chunk.
        public let samples: Range<Int64>
    }

    /// At 16 kHz.
    public private(set) var samples: [Int16] = []
    /// Sentences about chunks that are not as the index has them.
    public private(set) var faults: [String] = []
    private var places: [(whole: Int64, part: Int)] = []

    public static func == (a: SpoolAudio, b: SpoolAudio) -> Bool { a.samples == b.samples && a.faults == b.faults }

    /// None.
    public init() {}

    /// Reads the parts, each as far as it goes. A chunk that is not there leaves a hole, and its time.
    public init(_ parts: [Part], _ disk: any SpoolDisk) {
        for part in parts {
            let chunk = part.chunk
            // The header is not asked: it says what it was when the process ended.
            guard let bytes = try? disk.read(part.path, most: WaveHeader.size + SpoolLine.mostSamples * 2),
                bytes.count > WaveHeader.size
            else {
                faults.append("chunk \(chunk.number) is missing: its \(seconds(chunk.count)) s stay unwritten")
                continue
            }
            let body = bytes[WaveHeader.size...].prefix(chunk.count * 2)
            if bytes.count > WaveHeader.size + chunk.count * 2 {
                faults.append("chunk \(chunk.number) is longer than the index says: the rest of it is left out")
            } else if body.count < chunk.count * 2 {
                faults.append(
                    "chunk \(chunk.number) is shorter than the index says: "
                        + "\(seconds(chunk.count - body.count / 2)) s are missing")
            } else {
                var hash = SpoolHash()
                hash.take(body)
                if hash.text != chunk.hash {
                    faults.append("chunk \(chunk.number) is not as it was written: it is used as it is")
                }
            }
            let from = Int(max(0, part.samples.lowerBound - chunk.first))
            let to = min(body.count / 2, Int(min(part.samples.upperBound, chunk.end) - chunk.first))
            guard from < to else { continue }
            places.append((chunk.first + Int64(from), samples.count))
            let start = body.startIndex + from * 2
            samples += WaveHeader.samples(body[start..<start + (to - from) * 2])
        }
    }

    /// The session's sample of one of `samples`.
    public func place(_ sample: Int) -> Int64 {
        guard let part = places.last(where: { $0.part <= sample }) ?? places.first else { return Int64(sample) }
        return part.whole + Int64(sample - part.part)
    }

    private func seconds(_ samples: Int) -> String {
        let tenths = samples / 1_600
        return "\(tenths / 10).\(tenths % 10)"
    }
}
