/// The fate of a check that came.
public enum ICECheck: Equatable, Sendable {
    /// No check, or a damaged one; nothing is answered.
    case ignored
    /// Answered by an error, or where it is late by nothing.
    case refused(Refusal)
    /// Answered; its sender's address is proved.
    case accepted(Accepted)

    /// A reason to refuse a check.
    public enum Refusal: Sendable, CaseIterable {
        /// It lacks its user name or MESSAGE-INTEGRITY.
        case malformed
        /// It names a session that this is not.
        case wrongFragment
        /// Its MESSAGE-INTEGRITY was made with another password.
        case wrongPassword
        /// It has an attribute that must be understood, and is not.
        case unknownAttribute
        /// Its sender claims to be the controlled one too.
        case roleConflict
        /// It is of before a restart, or comes after the end.
        case late
    }

    /// The changes that a check has brought.
    public struct Accepted: Equatable, Sendable {
        /// Its address had not been proved.
        public var isNew = false
        /// Its address is the selected one from now on.
        public var isSelected = false
        /// It is the first one after a restart; the old credentials hold no more.
        public var isRestart = false
        /// An address that had to make room: nothing is taken from it any more.
        public var forgotten: ICERoute?

        /// No change.
        public init() {}
    }
}
