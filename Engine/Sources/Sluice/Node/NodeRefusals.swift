extension NodeContext {
    /// Why what stands behind `output` would not take `format`, in words that follow "and": "decoder.in takes audio
    /// opus". nil where everything takes it, as far as it is known. A source that strangers send to asks before it
    /// hands on something new, and refuses the sender rather than let the run fail. On the lane.
    public func refusal(of format: MediaFormat, at output: OutputPort) -> String? {
        engine.refusal(of: format, at: output.name)
    }

    /// From now on `input` refuses formats of which `rule` gives words that follow its name: "keeps h264 1280x720". For
    /// what only opening or running tells. `rule` is called from any thread. In `prepare` and on the lane.
    public func refuse(at input: InputPort, _ rule: @escaping @Sendable (_ format: MediaFormat) -> String?) {
        engine.refuse(at: input.name, rule)
    }
}
