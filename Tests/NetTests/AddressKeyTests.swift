import Net
import Testing

@Suite struct AddressKeyTests {
    private func address(_ host: String, _ port: Int = 80) -> SocketAddress {
        SocketAddress(numeric: host, port: port) ?? SocketAddress()
    }

    @Test func anAddressAndItsMappedFormHaveOneKeyAndAllOthersTheirOwn() {
        #expect(address("192.0.2.1").key == address("::ffff:192.0.2.1").key)
        let hosts = ["192.0.2.1", "192.0.2.2", "::1", "::192.0.2.1", "2001:db8::1", "2001:db8::2", "2001:db9::1"]
        let keys = hosts.map { address($0).key } + [address("192.0.2.1", 81).key, SocketAddress().key]
        #expect(Set(keys).count == keys.count)
        #expect(address("fe80::1%1").key != address("fe80::1%2").key)
        #expect(keys[0].mixed(with: 1) != keys[0].mixed(with: 2) && keys[0].mixed(with: 1) != keys[1].mixed(with: 1))
    }

    @Test func aNetworkIsAHostOfIPv4AndSixtyFourBitsOfIPv6() {
        #expect(address("192.0.2.1", 1).key.network == address("::ffff:192.0.2.1", 2).key.network)
        #expect(address("192.0.2.1").key.network != address("192.0.2.2").key.network)
        #expect(address("2001:db8::1").key.network == address("2001:db8::ffff:0:0:1", 9).key.network)
        #expect(address("2001:db8::1").key.network != address("2001:db8:0:1::1").key.network)
    }

    @Test func anAddressIsMadeOfItsBytes() {
        for host in ["192.0.2.1", "2001:db8::1"] {
            let made = address(host, 5_000).hostBytes.withUnsafeBytes { SocketAddress(host: $0, port: 5_000) }
            #expect(made == address(host, 5_000) && made?.port == 5_000)
        }
        #expect([1, 2, 3].withUnsafeBytes { SocketAddress(host: $0, port: 1) } == nil)
        #expect(address("::ffff:192.0.2.1").unmapped == address("192.0.2.1"))
        #expect(address("2001:db8::1").unmapped == address("2001:db8::1") && SocketAddress().port == 0)
    }

    @Test(arguments: [
        ("127.0.0.1", SocketAddress.Reach.machine), ("::1", .machine), ("169.254.1.1", .link), ("fe80::1", .link),
        ("10.1.2.3", .site), ("172.31.0.1", .site), ("172.32.0.1", .everywhere), ("192.168.0.1", .site),
        ("100.64.0.1", .site), ("fd00::1", .site), ("203.0.113.5", .everywhere), ("2001:db8::1", .everywhere),
        ("::ffff:10.0.0.1", .site), ("0.0.0.0", .nowhere), ("::", .nowhere), ("224.0.0.1", .nowhere),
    ]) func anAddressTellsFromWhereItIsReached(_ host: String, _ reach: SocketAddress.Reach) {
        #expect(address(host).reach == reach)
    }
}
