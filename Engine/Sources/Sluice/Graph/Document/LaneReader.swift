/// The `lanes` section: what the threads of a graph are to be given.
extension DocumentReader {
    static let laneKeys = ["cpus", "nice", "priority", "lock_memory", "pipe_kib"]

    func readLane(_ lane: JSONValue.Member) -> LaneDocument? {
        let owner = "lane \(quoted(lane.key))"
        var result = LaneDocument(name: lane.key, position: lane.keyPosition)
        guard let members = members(lane.value, owner) else { return nil }
        for member in members {
            switch member.key {
            case "cpus": result.cpus = member.value
            case "nice": result.nice = member.value
            case "priority": result.priority = member.value
            case "lock_memory": result.lockMemory = member.value
            case "pipe_kib": result.pipeSize = member.value
            default: unknownKey(member, owner, DocumentReader.laneKeys)
            }
        }
        if members.allSatisfy({ $0.key == "$comment" }) {
            bag.error(
                lane.keyPosition, "\(owner) gives nothing.",
                advice: "Its keys are \(DocumentReader.laneKeys.joined(separator: ", ")).")
            return nil
        }
        return result
    }
}
