extension RTCPPacket {
    /// Appends this packet to a compound datagram. `.other` has no contents to write and appends nothing.
    public func append(to datagram: inout [UInt8]) {
        let start = datagram.count
        switch self {
        case .senderReport(let report):
            begin(200, count: report.reports.count, &datagram)
            datagram.append(big32: report.ssrc)
            datagram.append(big32: UInt32(truncatingIfNeeded: report.ntp.bits >> 32))
            datagram.append(big32: UInt32(truncatingIfNeeded: report.ntp.bits))
            datagram.append(big32: report.timestamp)
            datagram.append(big32: report.packets)
            datagram.append(big32: report.octets)
            for block in report.reports.prefix(31) { block.append(to: &datagram) }
        case .receiverReport(let ssrc, let reports):
            begin(201, count: reports.count, &datagram)
            datagram.append(big32: ssrc)
            for block in reports.prefix(31) { block.append(to: &datagram) }
        case .sourceDescription(let sources):
            begin(202, count: sources.count, &datagram)
            for source in sources.prefix(31) {
                datagram.append(big32: source.ssrc)
                let name = source.cname.utf8.prefix(255)
                datagram += [1, UInt8(name.count)] + Array(name)
                datagram += [UInt8](repeating: 0, count: 4 - (datagram.count - start) % 4)
            }
        case .bye(let sources):
            begin(203, count: sources.count, &datagram)
            for source in sources.prefix(31) { datagram.append(big32: source) }
        case .pictureLoss(let sender, let media):
            begin(206, count: 1, &datagram)
            datagram.append(big32: sender)
            datagram.append(big32: media)
        case .fullIntraRequest(let sender, let asked):
            begin(206, count: 4, &datagram)
            datagram.append(big32: sender)
            // The media field is unused (RFC 5104, section 4.3.1.2).
            datagram.append(big32: 0)
            for request in asked {
                datagram.append(big32: request.ssrc)
                datagram.append(big32: UInt32(request.number) << 24)
            }
        case .lost(let sender, let media, let numbers):
            begin(205, count: 1, &datagram)
            datagram.append(big32: sender)
            datagram.append(big32: media)
            append(numbers, &datagram)
        case .transport(let feedback):
            begin(205, count: 15, &datagram)
            feedback.append(to: &datagram)
        case .estimate(let estimate):
            begin(206, count: 15, &datagram)
            estimate.append(to: &datagram)
        case .other: return
        }
        let words = (datagram.count - start) / 4 - 1
        datagram[start + 2] = UInt8(truncatingIfNeeded: words >> 8)
        datagram[start + 3] = UInt8(truncatingIfNeeded: words)
    }

    private func append(_ numbers: [UInt16], _ datagram: inout [UInt8]) {
        var rest = numbers[...]
        while let first = rest.popFirst() {
            var more: UInt16 = 0
            while let next = rest.first, (1...16).contains(next &- first) {
                more |= 1 << (next &- first &- 1)
                rest.removeFirst()
            }
            datagram.append(big16: first)
            datagram.append(big16: more)
        }
    }

    private func begin(_ type: UInt8, count: Int, _ datagram: inout [UInt8]) {
        datagram += [0x80 | UInt8(min(count, 31)), type, 0, 0]
    }
}

extension RTCPPacket.ReportBlock {
    fileprivate func append(to datagram: inout [UInt8]) {
        let limited = UInt32(bitPattern: min(max(lost, -0x80_0000), 0x7f_ffff)) & 0xff_ffff
        datagram.append(big32: ssrc)
        datagram.append(big32: UInt32(fractionLost) << 24 | limited)
        datagram.append(big32: highest)
        datagram.append(big32: jitter)
        datagram.append(big32: lastReport)
        datagram.append(big32: delay)
    }
}
