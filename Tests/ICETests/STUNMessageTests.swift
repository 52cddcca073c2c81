import ICE
import Net
import Testing

@Suite struct STUNMessageTests {
    private static let transaction = STUN.Transaction(high: 1, low: 2)

    /// Header and these attributes, without a sum.
    private func message(_ attributes: [UInt8]) -> [UInt8] {
        [0, 1, UInt8(attributes.count >> 8), UInt8(attributes.count & 255)]
            + [0x21, 0x12, 0xa4, 0x42] + Array(repeating: 7, count: 12) + attributes
    }

    private func reads(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { STUNMessage($0) != nil } }

    @Test func allThatIsWrittenIsReadAgain() throws {
        var writer = STUNWriter(.failure, method: 0xabc, transaction: Self.transaction)
        writer.add(username: "abcd:efgh")
        writer.add(priority: 77)
        writer.addUseCandidate()
        writer.add(role: .controlling(tieBreaker: .max))
        writer.add(errorCode: 487, reason: "Role Conflict")
        writer.add(unknown: [1, 2, 3])
        writer.add(software: "s")
        let written = writer.finish(password: "secret", by: SHA1.hmac)
        try written.withUnsafeBytes { bytes in
            let message = try #require(STUNMessage(bytes))
            #expect(message.kind == .failure && message.method == 0xabc && message.transaction == Self.transaction)
            #expect(message.username.map(Array.init) == Array("abcd:efgh".utf8))
            #expect(message.priority == 77 && message.isNominating && message.errorCode == 487)
            #expect(message.role == .controlling(tieBreaker: .max) && message.refused == [1, 2, 3])
            #expect(message.reason.map(Array.init) == Array("Role Conflict".utf8))
            #expect(message.software.map(Array.init) == [UInt8(ascii: "s")])
            #expect(message.isIntact && message.isAuthentic(password: "secret", by: SHA1.hmac))
        }
    }

    @Test func everyKindAndMethodComesThroughItsBits() {
        for kind in [STUN.Kind.request, .indication, .success, .failure] {
            for method: UInt16 in [0, 1, 3, 0x010, 0x080, 0x800, 0xfff] {
                let written = STUNWriter(kind, method: method, transaction: Self.transaction).finish()
                written.withUnsafeBytes { bytes in
                    let message = STUNMessage(bytes)
                    #expect(message?.kind == kind && message?.method == method && message?.isIntact == true)
                }
            }
        }
    }

    @Test func aMessageThatIsCutOffOrLongerThanItSaysIsNone() {
        let whole = STUNVectorTests.request
        #expect(reads(whole))
        for count in 0..<whole.count { #expect(!reads(Array(whole[..<count])), "\(count) bytes") }
        #expect(!reads(whole + [0, 0, 0, 0]))
    }

    @Test func eachByteThatIsChangedIsNoticed() {
        for index in STUNVectorTests.request.indices {
            var changed = STUNVectorTests.request
            changed[index] ^= 0x41
            let isTrusted = changed.withUnsafeBytes { bytes in
                guard let message = STUNMessage(bytes), message.isIntact else { return false }
                return true
            }
            #expect(!isTrusted, "byte \(index)")
        }
    }

    @Test func aHashThatCannotBeMadeTrustsNothing() {
        STUNVectorTests.request.withUnsafeBytes { bytes in
            let message = STUNMessage(bytes)
            #expect(message?.isAuthentic(password: STUNVectorTests.password) { _, _, _, _ in false } == false)
        }
    }

    @Test(
        arguments: [
            [0x00, 0x24, 0, 3, 1, 2, 3, 0], [0x00, 0x24, 0, 8, 1, 2, 3, 4], [0x00, 0x24, 0xff, 0xff, 1, 2, 3, 4],
            [0x80, 0x29, 0, 4, 1, 2, 3, 4], [0x00, 0x20, 0, 8, 0, 2, 0, 0, 1, 2, 3, 4],
            [0x00, 0x20, 0, 8, 0, 3, 0, 0, 1, 2, 3, 4], [0x00, 0x20, 0, 0], [0x00, 0x09, 0, 0],
            [0x00, 0x09, 0, 4, 0, 0, 2, 1], [0x00, 0x09, 0, 4, 0, 0, 4, 100], [0x00, 0x0a, 0, 1, 0, 0, 0, 0],
            [0x00, 0x08, 0, 4, 0, 0, 0, 0], [0x80, 0x28, 0, 0], [0x80, 0x28, 0, 4, 0, 0, 0, 0, 0x80, 0x22, 0, 0],
        ] as [[UInt8]])
    func anAttributeThatCannotBeMakesItNone(_ attribute: [UInt8]) { #expect(!reads(message(attribute))) }

    @Test func theFirstOfTwoCountsAndNothingBehindTheHash() throws {
        let priority: [UInt8] = [0x00, 0x24, 0, 4, 0, 0, 0]
        let hash: [UInt8] = [0x00, 0x08, 0, 20] + Array(repeating: 0, count: 20)
        try message(priority + [1] + priority + [2] + hash + [0x00, 0x25, 0, 0, 0x77, 0x77, 0, 0]).withUnsafeBytes {
            let message = try #require(STUNMessage($0))
            #expect(message.priority == 1 && !message.isNominating && message.unknown == [])
        }
    }

    @Test func attributesThatMustBeUnderstoodAreTold() throws {
        let attributes = (0..<40).flatMap { (index: UInt8) -> [UInt8] in [0x70, index, 0, 0, 0xc0, index, 0, 0] }
        try message(attributes).withUnsafeBytes {
            let message = try #require(STUNMessage($0))
            #expect(message.unknown == (0x7000..<0x7010).map { UInt16($0) })
        }
    }

    @Test func longTextsAreCutWhereTheRFCEndsThem() throws {
        var writer = STUNWriter(.request, transaction: Self.transaction)
        writer.add(username: String(repeating: "u", count: 2_000))
        writer.add(software: String(repeating: "s", count: 2_000))
        writer.add(errorCode: 12, reason: String(repeating: "r", count: 2_000))
        try writer.finish().withUnsafeBytes { bytes in
            let message = try #require(STUNMessage(bytes))
            #expect(message.username?.count == 508 && message.software?.count == 763 && message.errorCode == 300)
        }
    }
}
