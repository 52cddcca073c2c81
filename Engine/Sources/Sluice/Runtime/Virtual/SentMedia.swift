extension GraphRun {
    /// Some edge has taken as long a span of media: what a source that is never held sends while time stands still.
    func hasSent(_ span: Interval) -> Bool {
        let ticks = MediaTime.seconds(span.seconds).ticks
        return sessions.contains { session in
            session.edges.contains { Int64($0.state.pointee.producer.pointee.pushedTicks.count) >= ticks }
        }
    }
}
