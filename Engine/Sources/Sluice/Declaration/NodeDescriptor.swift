/// A node type's description of itself: the name graphs use, one sentence, and how it wants to be run.
public struct NodeDescriptor: Equatable, Sendable {
    /// As graphs write it: lower case with hyphens, `opus-encoder`.
    public let type: String
    /// One sentence without a full stop, for `list`.
    public let summary: String
    /// The cost of one call, which decides the lane.
    public let work: Work
    /// Facts that the engine has to know of the node before it runs.
    public let traits: Traits
    /// A line of graph JSON that shows its use, for `inspect`.
    public let example: String?
    /// A sentence for one who has to give a heavy node less to do: "Lower size, fps or cpu_used." Empty where there is
    /// none.
    public let relief: String
    /// The node sends as fast as it can where this parameter has this value.
    public let unpacedIf: Condition?

    /// A parameter that has a value.
    public struct Condition: Equatable, Sendable {
        /// The parameter's name.
        public let parameter: String
        /// The value that it must have; the default counts where the graph gives none.
        public let value: ParameterValue

        /// True where `parameter` has `value`.
        public init(_ parameter: String, _ value: ParameterValue) {
            self.parameter = parameter
            self.value = value
        }
    }

    /// `type` is lower case with hyphens. `summary` is one sentence without a full stop. `example` is one member of
    /// `nodes`.
    public init(
        _ type: String, summary: String, work: Work = .light, traits: Traits = [], example: String? = nil,
        relief: String = "", unpacedIf: Condition? = nil
    ) {
        self.type = type
        self.summary = summary
        self.work = work
        self.traits = traits
        self.example = example
        self.relief = relief
        self.unpacedIf = unpacedIf
    }

    /// The cost of one call of `process`, which decides the lane.
    public enum Work: String, Sendable, CaseIterable {
        /// Microseconds: shares the session's lane.
        case light
        /// Milliseconds of CPU, as an encoder: a lane of its own unless the graph names one.
        case heavy
        /// May wait in a call: a lane of its own, and `interrupt()` ends the wait.
        case blocking
    }

    /// Facts that the engine has to know of a node before it runs.
    public struct Traits: OptionSet, Sendable {
        public let rawValue: Int
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// Talks to a live socket or device: the virtual clock refuses it by name.
        public static let live = Traits(rawValue: 1)
        /// Its timers are heard or seen: its lane asks for real-time priority, and sharing it with heavy work warns.
        public static let paced = Traits(rawValue: 2)
        /// Shares one input among several outputs: edges from it drop by default, and `block` needs `lossless`.
        public static let shares = Traits(rawValue: 4)
        /// Puts several inputs in order, so one branch waits for another: the engine refuses edges too small for that.
        public static let joins = Traits(rawValue: 16)
        /// Keeps what comes, as a recording: items that an edge drops before it are said.
        public static let keeps = Traits(rawValue: 32)
    }
}
