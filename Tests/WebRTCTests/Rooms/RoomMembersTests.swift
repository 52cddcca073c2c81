import RTP
import Testing

@testable import WebRTCPlugin

@Suite("Members of rooms") struct RoomMembersTests {
    private final class Heard { var messages: [String] = [] }

    private func share(_ name: String, hasVideo: Bool = false) -> RoomShare {
        let share = RoomShare(name, RoomSpeakers {}) {
        } tell: { _ in
        }
        share.show(.audio, .opus(channels: 2), SharedStream(.opus, limit: 1_100, line: SharedLine()))
        if hasVideo { share.show(.video, .vp8, SharedStream(.vp8, limit: 1_100, line: SharedLine())) }
        return share
    }

    private func member(_ share: RoomShare, _ heard: Heard = Heard(), token: GuestToken? = nil) -> RoomMembers.Member {
        RoomMembers.Member(
            share: share, shown: RoomText.Participant(name: share.name), way: "websocket", token: token, until: nil,
            tell: { heard.messages.append($0) }, dismiss: { _ in })
    }

    @Test func othersAreToldOfJoiningMutingAndLeaving() {
        var members = RoomMembers(mostVideos: 9)
        let (alice, bob) = (Heard(), share("bob"))
        members.add(member(share("alice"), alice))
        members.add(member(bob))
        #expect(members.mute("bob", .video, true) && !members.mute("nobody", .video, true))
        let (isGone, again) = (members.remove(bob), members.remove(bob))
        #expect(isGone && !again)
        #expect(
            alice.messages == [
                #"{"type": "joined", "name": "bob", "muted": []}"#,
                #"{"type": "muted", "name": "bob", "kind": "video", "muted": true}"#,
                #"{"type": "left", "name": "bob"}"#,
            ])
    }

    @Test func eachGetsAllVoicesAndTheVideosOfThoseWhoLedLast() {
        var members = RoomMembers(mostVideos: 2)
        for name in ["alice", "bob", "carol", "dave"] { members.add(member(share(name, hasVideo: true))) }
        func videos(_ name: String) -> [String] {
            members.tracks(for: name).filter { $0.stream.format.isVideo }.compactMap(\.owner)
        }
        #expect(members.tracks(for: "alice").count { !$0.stream.format.isVideo } == 3)
        #expect(videos("alice") == ["bob", "carol"] && videos("dave") == ["alice", "bob"])
        members.lead("dave")
        #expect(videos("alice") == ["bob", "dave"] && videos("dave") == ["alice", "bob"])
        members.lead("carol")
        #expect(videos("alice") == ["carol", "dave"] && videos("bob") == ["carol", "dave"])
    }

    @Test func oneWhoMayNotSubscribeGetsNothing() throws {
        var members = RoomMembers(mostVideos: 2)
        let key = "0123456789abcdef0123456789abcdef"
        let token = try GuestToken(
            GuestTokenTests.token(#"{"room":"main","subscribe":false,"exp":10}"#, key: key),
            keys: try #require(try GuestKeys.read(key)), unixSeconds: 0)
        members.add(member(share("alice")))
        members.add(member(share("bob"), token: token))
        #expect(members.tracks(for: "bob").isEmpty && members.tracks(for: "alice").count == 1)
        #expect(members.freeName() == "guest-1")
    }
}
