@_spi(Host) import Sluice

/// Streams as a picture that stands by itself: for each a panel for gaps, drift and depth, time from left to right, the
/// band from the least to the most and in it the mean.
struct TimingPlot {
    let title: String
    let streams: [TimingStream]

    private static let width = 960.0
    private static let left = 76.0
    private static let right = 24.0
    private static let panelHeight = 120.0
    private static let colors = ["gap": "#2f6fb0", "drift": "#b4532a", "depth": "#3c8a4e"]

    var svg: String {
        var body = ""
        var y = 64.0
        for stream in streams where !stream.lines.isEmpty {
            body += label(stream.name, x: 24, y: y, size: 14, weight: "600")
            y += 12
            let times = stream.lines.flatMap { $0.points.map(\.time) }
            let span = Span(least: min(0, times.min() ?? 0), most: times.max() ?? 0)
            for line in stream.lines {
                body += panel(line, y, span)
                y += TimingPlot.panelHeight + 44
            }
            y += 16
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(text(TimingPlot.width))" height="\(text(y))" \
            viewBox="0 0 \(text(TimingPlot.width)) \(text(y))" font-family="Inter, 'Helvetica Neue', Arial, sans-serif">
            <title>\(title.escapedForXML)</title>
            <rect width="100%" height="100%" fill="#ffffff"/>
            \(label("Timing of \(title)", x: 24, y: 34, size: 17, weight: "600"))\(body)</svg>

            """
    }

    /// The range of an axis, and round numbers in it.
    struct Span {
        let least: Double
        let most: Double
        let step: Double

        init(least: Double, most: Double) {
            let (low, high) = (least.isFinite ? least : 0, most.isFinite ? most : 0)
            // Differences below a microsecond are rounding.
            let range = max(high - low, 0.01, 1e-6 * abs(high))
            // 1, 2 or 5 times a power of ten, four or so of them.
            var step = 1.0
            while step > range / 4 { step /= 10 }
            while step * 10 <= range / 4 { step *= 10 }
            step *= [5, 2, 1].first { step * $0 <= range / 4 } ?? 1
            self.step = step
            self.least = (low / step).rounded(.down) * step
            let top = (high / step).rounded(.up) * step
            self.most = top > self.least ? top : self.least + step
        }

        var ticks: [Double] {
            (0...Int(min(20, ((most - least) / step).rounded()))).map { least + Double($0) * step }
        }

        /// 0…1.
        func place(_ value: Double) -> Double { max(0, min(1, (value - least) / (most - least))) }
    }

    private func panel(_ line: TimingStream.Line, _ top: Double, _ time: Span) -> String {
        let width = TimingPlot.width - TimingPlot.left - TimingPlot.right
        let values = Span(
            least: line.points.map(\.least).min() ?? 0, most: line.points.map(\.most).max() ?? 0)
        func x(_ seconds: Double) -> Double { TimingPlot.left + time.place(seconds) * width }
        func y(_ value: Double) -> Double { top + 20 + (1 - values.place(value)) * TimingPlot.panelHeight }
        var text = label("\(unit(line.name))", x: 24, y: top + 9, size: 11, fill: "#4d5870")
        for tick in values.ticks {
            text += rule(TimingPlot.left, y(tick), TimingPlot.left + width, y(tick))
            text += label(number(tick, values.step), x: TimingPlot.left - 6, y: y(tick) + 4, size: 11, anchor: "end")
        }
        for tick in time.ticks {
            text += rule(x(tick), top + 20, x(tick), top + 20 + TimingPlot.panelHeight)
            text += label(
                "\(number(tick, time.step)) s", x: x(tick), y: top + 37 + TimingPlot.panelHeight, size: 11,
                anchor: "middle")
        }
        let bottom = top + 20 + TimingPlot.panelHeight
        text += rule(TimingPlot.left, top + 20, TimingPlot.left, bottom, "#7b879c")
        text += rule(TimingPlot.left, bottom, TimingPlot.left + width, bottom, "#7b879c")
        let color = TimingPlot.colors.first { line.name.hasPrefix($0.key) }?.value ?? "#51607a"
        let above = line.points.map { point(x($0.time), y($0.most)) }
        let below = line.points.reversed().map { point(x($0.time), y($0.least)) }
        let mean = line.points.map { point(x($0.time), y($0.mean)) }
        text +=
            "<polygon points=\"\((above + below).joined(separator: " "))\" fill=\"\(color)\" fill-opacity=\"0.3\"/>\n"
        text +=
            "<polyline points=\"\(mean.joined(separator: " "))\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"1.6\"/>\n"
        return text
    }

    /// `gap_ms` and `gap` alike are gaps in milliseconds.
    private func unit(_ name: String) -> String {
        name.hasSuffix("_ms") ? "\(name.dropLast(3)), ms" : name.contains("_") ? name : "\(name), ms"
    }

    private func number(_ value: Double, _ step: Double) -> String {
        var places = 0
        var unit = step
        while places < 6, unit < 0.999 {
            unit *= 10
            places += 1
        }
        return decimal(value, places: places)
    }

    private func point(_ x: Double, _ y: Double) -> String { "\(text(x)),\(text(y))" }

    private func text(_ value: Double) -> String { decimal(value, places: 1) }

    private func rule(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String = "#d3dae6"
    ) -> String {
        """
        <line x1="\(text(x1))" y1="\(text(y1))" x2="\(text(x2))" y2="\(text(y2))" stroke="\(colour)" stroke-width="1"/>

        """
    }

    private func label(
        _ words: String, x: Double, y: Double, size: Int, weight: String = "400", anchor: String = "start",
        fill: String = "#1c2536"
    ) -> String {
        """
        <text x="\(text(x))" y="\(text(y))" font-size="\(size)" font-weight="\(weight)" text-anchor="\(anchor)" \
        fill="\(fill)">\(words.escapedForXML)</text>

        """
    }
}
