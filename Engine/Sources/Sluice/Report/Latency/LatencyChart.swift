@_spi(Host) extension LatencyAnalysis {
    private static let colours = [
        "#3b6fb6", "#8fb3e0", "#b4532a", "#e0a184", "#4d8a57", "#a5cfab", "#7a5aa6", "#c3b0de", "#b08a1e", "#e3cd86",
    ]
    private static let width = 860.0
    private static let margin = 24.0

    /// A picture that stands by itself: a bar of the stages' means, a line a stage, and every picture's total over
    /// time.
    public func svg(title: String) -> String {
        let bar = 168.0
        let lines = Double(stages.count) * 20
        let height = bar + lines + 300
        var body = text(title, 24, 34, size: 17, weight: "600")
        let what = isGlassToGlass ? "glass to glass" : "in all"
        body += text(
            "\(what): p50 \(ms(total.p50)), p95 \(ms(total.p95)), p99 \(ms(total.p99)), largest \(ms(total.max)) ms of \(pictures.count) pictures",
            24, 56, size: 12, fill: "#4d5870")
        body += means(top: 76)
        body += list(top: bar)
        body += overTime(top: bar + lines + 40, height: 200)
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(number(Self.width))" height="\(number(height))" \
            viewBox="0 0 \(number(Self.width)) \(number(height))" font-family="Inter, 'Helvetica Neue', Arial, sans-serif">
            <title>\(title.escapedForXML)</title>
            <rect width="100%" height="100%" fill="#ffffff"/>
            \(body)</svg>

            """
    }

    private func colour(_ index: Int) -> String { Self.colours[index % Self.colours.count] }

    /// Every second colour is the light one of a pair.
    private static func isLight(_ index: Int) -> Bool { index % colours.count % 2 == 1 }

    private func means(top: Double) -> String {
        let room = Self.width - 2 * Self.margin
        let scale = total.mean > 0 ? room / total.mean : 0
        var x = Self.margin
        var body = ""
        for (index, stage) in stages.enumerated() {
            let length = max(0, stage.spread.mean) * scale
            body += rectangle(x, top, length, 34, colour(index))
            if length > 46 {
                body += text(
                    ms(stage.spread.mean), x + length / 2, top + 22, size: 12, anchor: "middle",
                    fill: Self.isLight(index) ? "#1c2536" : "#ffffff")
            }
            x += length
        }
        return body + text("mean of each stage, ms", Self.margin, top + 50, size: 11, fill: "#4d5870")
    }

    private func list(top: Double) -> String {
        let columns = [("p50", 470.0), ("p95", 560.0), ("largest", 650.0), ("mean, ms", 740.0)]
        var body = ""
        for (name, x) in columns { body += text(name, x, top - 8, size: 11, anchor: "end", fill: "#4d5870") }
        for (index, stage) in stages.enumerated() {
            let y = top + Double(index) * 20
            body += rectangle(Self.margin, y, 12, 12, colour(index))
            body += text(stage.label, Self.margin + 20, y + 10.5, size: 12)
            let values = [stage.spread.p50, stage.spread.p95, stage.spread.max, stage.spread.mean]
            for (column, value) in values.enumerated() {
                body += text(ms(value), columns[column].1, y + 10.5, size: 12, anchor: "end", fill: "#51607a")
            }
        }
        return body
    }

    private func overTime(top: Double, height: Double) -> String {
        let (left, right) = (Self.margin + 36, Self.width - Self.margin)
        let most = max(total.max * 1.1, 1)
        let length = max(pictures.last?.at ?? 0, 0.001)
        func x(_ time: Double) -> Double { left + time / length * (right - left) }
        func y(_ value: Double) -> Double { top + height - value / most * height }
        var body = text("each picture: ms in all, over the seconds of the run", Self.margin, top - 10, size: 12)
        for mark in marks(to: most) {
            body += line(left, y(mark), right, y(mark), "#d3dae6")
            body += text(decimal(mark, places: 0), left - 6, y(mark) + 4, size: 11, anchor: "end", fill: "#4d5870")
        }
        for mark in marks(to: length) {
            body += line(x(mark), top + height, x(mark), top + height + 4, "#7b879c")
            body += text(
                decimal(mark, places: length < 3 ? 1 : 0), x(mark), top + height + 17, size: 11, anchor: "middle",
                fill: "#4d5870")
        }
        body +=
            line(left, top, left, top + height, "#7b879c") + line(left, top + height, right, top + height, "#7b879c")
        // At most a point for each third of a pixel: more is not seen.
        let stride = max(1, pictures.count / Int((right - left) * 3))
        for index in Swift.stride(from: 0, to: pictures.count, by: stride) {
            let picture = pictures[index]
            body +=
                "<circle cx=\"\(number(x(picture.at)))\" cy=\"\(number(y(picture.milliseconds)))\" r=\"1.6\" fill=\"#3b6fb6\"/>\n"
        }
        body += line(left, y(total.p50), right, y(total.p50), "#b4532a")
        // Beside the title of the panel, where no picture is.
        return body + text("p50 \(ms(total.p50)) ms", right, top - 10, size: 12, anchor: "end", fill: "#b4532a")
    }

    /// Round numbers from 0, six at most.
    private func marks(to most: Double) -> [Double] {
        let steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000]
        let step = steps.first { most / $0 <= 6 } ?? most / 5
        return (0...Int(most / step)).map { Double($0) * step }
    }

    private func ms(_ value: Double) -> String { decimal(value, places: value < 10 ? 2 : 1) }
    private func number(_ value: Double) -> String { decimal(value, places: 1) }

    private func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ fill: String) -> String {
        """
        <rect x="\(number(x))" y="\(number(y))" width="\(number(width))" height="\(number(height))" fill="\(fill)"/>

        """
    }

    private func line(_ x: Double, _ y: Double, _ endX: Double, _ endY: Double, _ stroke: String) -> String {
        """
        <line x1="\(number(x))" y1="\(number(y))" x2="\(number(endX))" y2="\(number(endY))" stroke="\(stroke)"/>

        """
    }

    private func text(
        _ text: String, _ x: Double, _ y: Double, size: Int, weight: String = "400", anchor: String = "start",
        fill: String = "#1c2536"
    ) -> String {
        """
        <text x="\(number(x))" y="\(number(y))" font-size="\(size)" font-weight="\(weight)" text-anchor="\(anchor)" \
        fill="\(fill)">\(text.escapedForXML)</text>

        """
    }
}
