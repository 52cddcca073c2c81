import Glibc

extension SocketAddress {
    /// Host and port in few words, to compare and to look up for each datagram. The IPv4-mapped form that a socket for
    /// both families gives (`::ffff:192.0.2.1`, RFC 4291, section 2.5.5.2) has the key of the IPv4 address itself.
    public struct Key: Hashable, Sendable {
        private let high: UInt64
        private let low: UInt64
        private let scope: UInt32
        private let port: UInt16

        fileprivate init(high: UInt64, low: UInt64, scope: UInt32, port: UInt16) {
            (self.high, self.low, self.scope, self.port) = (high, low, scope, port)
        }

        /// The same number for the same key and seed, spread over all 64 bits. Strangers who do not know the seed
        /// cannot choose addresses that share one.
        public func mixed(with seed: UInt64) -> UInt64 {
            var value = seed
            for index in 0..<3 {
                let word = index == 0 ? high : index == 1 ? low : UInt64(scope) << 16 | UInt64(port)
                // The finalizer of SplitMix64.
                value = (value ^ word) &+ 0x9e37_79b9_7f4a_7c15
                value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
                value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
                value ^= value >> 31
            }
            return value
        }

        /// The host alone, or the network that one IPv6 host chooses its addresses from (/64), so that it counts as one
        /// guest.
        public var network: Key {
            let isIPv4 = high == 0 && low >> 32 == 0xffff
            return Key(high: high, low: isIPv4 ? low : 0, scope: scope, port: 0)
        }
    }

    /// Of host and port; of a link-local address also its interface. All that are no address of the Internet have one.
    public var key: Key {
        withUnsafeBytes(of: storage) { bytes in
            func word(_ offset: Int) -> UInt64 {
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            }
            let port = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            switch family {
            case AF_INET: return Key(high: 0, low: 0xffff << 32 | word(0) & 0xffff_ffff, scope: 0, port: port)
            case AF_INET6:
                let high = word(8)
                // sin6_scope_id stands behind the address (RFC 3493, section 3.3).
                let scope = high >> 54 == 0x3fa ? bytes.loadUnaligned(fromByteOffset: 24, as: UInt32.self) : 0
                return Key(high: high, low: word(16), scope: scope, port: port)
            default: return Key(high: 0, low: 0, scope: 0, port: 0)
            }
        }
    }

    /// An address by its bytes as in packets: 4 of IPv4 or 16 of IPv6. nil for another number of them.
    public init?(host: UnsafeRawBufferPointer, port: UInt16) {
        guard host.count == 4 || host.count == 16 else { return nil }
        let isIPv6 = host.count == 16
        var storage = sockaddr_storage()
        storage.ss_family = sa_family_t(isIPv6 ? AF_INET6 : AF_INET)
        withUnsafeMutableBytes(of: &storage) { bytes in
            bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
            for index in host.indices { bytes[(isIPv6 ? 8 : 4) + index] = host[index] }
        }
        self.init(
            storage, socklen_t(isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size))
    }

    /// 0 where there is no address.
    public var port: UInt16 {
        guard family == AF_INET || family == AF_INET6 else { return 0 }
        return withUnsafeBytes(of: storage) {
            UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
    }

    /// The IPv4 address that an IPv4-mapped one holds; every other address as it is.
    public var unmapped: SocketAddress {
        guard family == AF_INET6 else { return self }
        return withUnsafeBytes(of: storage) { bytes in
            let isMapped = bytes[8..<18].allSatisfy { $0 == 0 } && bytes[18] == 0xff && bytes[19] == 0xff
            guard isMapped else { return self }
            return SocketAddress(host: UnsafeRawBufferPointer(rebasing: bytes[20..<24]), port: port) ?? self
        }
    }
}
