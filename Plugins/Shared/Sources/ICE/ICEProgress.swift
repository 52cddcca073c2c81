import Sluice

/// How far a session has come, in numbers that nobody can make large: counts wrap.
public struct ICEProgress: Equatable, Sendable {
    /// Checks with the right password.
    public internal(set) var checks = 0
    /// Checks for this session with another password.
    public internal(set) var wrongPasswords = 0
    /// Checks for other sessions.
    public internal(set) var wrongFragments = 0
    /// Checks whose sender claimed our role.
    public internal(set) var roleConflicts = 0
    /// Addresses that were proved, each as often as it was.
    public internal(set) var proved = 0
    /// The first check that was right.
    public internal(set) var firstCheck: Instant?
    /// The last check that was right.
    public internal(set) var lastCheck: Instant?
    /// The last time that another address was selected.
    public internal(set) var selected: Instant?
    /// Where the last check with a wrong password came from.
    public internal(set) var wrongPasswordRoute: ICERoute?
    /// Where the last check that was right came from.
    public internal(set) var checkedRoute: ICERoute?

    init() {}

    mutating func note(checkFrom route: ICERoute, now: Instant) {
        checks &+= 1
        firstCheck = firstCheck ?? now
        (lastCheck, checkedRoute) = (now, route)
    }

    mutating func note(wrongPasswordFrom route: ICERoute) {
        wrongPasswords &+= 1
        wrongPasswordRoute = route
    }

    mutating func note(selected route: ICERoute, now: Instant) { selected = now }

    /// Of a session that was to be connected within `time` and is not.
    func failure(within time: Interval) -> ICEFailure {
        if let checkedRoute { return .notSelected(checkedRoute, checks: checks, within: time) }
        if let wrongPasswordRoute {
            return .wrongPassword(wrongPasswordRoute, checks: wrongPasswords, within: time)
        }
        return .noCheck(within: time)
    }
}
