import CPcap
import Glibc
@_spi(Host) import Sluice

/// Reads the packets of a capture file, pcap or pcapng, by libpcap. It is opened only here: linked, it and the ten
/// libraries that it brings would be loaded whenever the command starts.
struct PacketCapture {
    private typealias OpenOffline =
        @convention(c) (UnsafePointer<CChar>, UnsafeMutablePointer<CChar>) -> OpaquePointer?
    private typealias NextPacket =
        @convention(c) (
            OpaquePointer, UnsafeMutablePointer<UnsafeMutablePointer<pcap_pkthdr>?>,
            UnsafeMutablePointer<UnsafePointer<UInt8>?>
        ) -> Int32
    private typealias DataLink = @convention(c) (OpaquePointer) -> Int32
    private typealias ErrorText = @convention(c) (OpaquePointer) -> UnsafeMutablePointer<CChar>?
    private typealias Close = @convention(c) (OpaquePointer) -> Void

    private static let library = "libpcap.so.0.8"

    /// Calls `body` with each packet's time in µs since 1970 and its bytes, which are gone after the call.
    /// Returns why the file ends early, if it does.
    static func read(
        _ path: String, _ body: (_ time: Int64, _ link: Int32, _ bytes: UnsafeRawBufferPointer) -> Void
    ) throws(NodeError) -> String? {
        guard let library = dlopen(library, RTLD_NOW | RTLD_LOCAL) else {
            throw NodeError(
                "\(library) is not there, which reads captures", advice: "Install it: apt-get install libpcap0.8.",
                isInputError: true)
        }
        let open = try symbol(library, "pcap_open_offline", as: OpenOffline.self)
        let next = try symbol(library, "pcap_next_ex", as: NextPacket.self)
        let datalink = try symbol(library, "pcap_datalink", as: DataLink.self)
        let errorText = try symbol(library, "pcap_geterr", as: ErrorText.self)
        let close = try symbol(library, "pcap_close", as: Close.self)
        var reason = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
        guard let capture = open(path, &reason) else {
            let text = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw NodeError("\(path): the capture cannot be read: \(text)", isInputError: true)
        }
        defer { close(capture) }
        let link = datalink(capture)
        while true {
            var header: UnsafeMutablePointer<pcap_pkthdr>?
            var bytes: UnsafePointer<UInt8>?
            let result = next(capture, &header, &bytes)
            if result == 1, let header, let bytes {
                let time = Int64(header.pointee.ts.tv_sec) &* 1_000_000 &+ Int64(header.pointee.ts.tv_usec)
                body(time, link, UnsafeRawBufferPointer(start: bytes, count: Int(header.pointee.caplen)))
            } else if result == -1 {
                return errorText(capture).map { String(cString: $0) } ?? "it is damaged"
            } else {
                return nil
            }
        }
    }

    private static func symbol<Function>(
        _ library: UnsafeMutableRawPointer, _ name: String, as type: Function.Type
    ) throws(NodeError) -> Function {
        guard let address = dlsym(library, name) else {
            throw NodeError("\(PacketCapture.library) has no \(name): it is not the libpcap that is meant")
        }
        return unsafeBitCast(address, to: Function.self)
    }
}
