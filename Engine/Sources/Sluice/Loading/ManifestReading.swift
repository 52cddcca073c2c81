/// Manifest from JSON. Anything unexpected gives nil: the manifest is then written anew.
extension PluginManifest {
    init?(_ json: JSONValue) {
        guard json["manifest"]?.integer == PluginManifest.version, let size = json["size"]?.integer,
            let modified = json["modified_ns"]?.integer, let stamp = json["engine"]?.string,
            let libraries = json.list("libraries", NeededLibrary.init), let types = json.list("types", NodeSpec.init),
            let services = json.list("services", ServiceSpec.init(manifest:))
        else { return nil }
        self.init(
            file: FileMark(size: size, modified: modified), stamp: stamp, libraries: libraries, types: types,
            services: services)
    }
}

extension JSONValue {
    /// The elements of a list that may be left out; nil if one of them cannot be read.
    fileprivate func list<Element>(_ key: String, _ read: (JSONValue) -> Element?) -> [Element]? {
        guard let value = self[key] else { return [] }
        guard let all = value.array else { return nil }
        let elements = all.compactMap(read)
        return elements.count == all.count ? elements : nil
    }

    /// The same where leaving it out means something: `.some(nil)`.
    fileprivate func optionalList<Element>(_ key: String, _ read: (JSONValue) -> Element?) -> [Element]?? {
        guard self[key] != nil else { return .some(nil) }
        return list(key, read).map { .some($0) } ?? .none
    }

    fileprivate func flag(_ key: String) -> Bool { self[key]?.boolean ?? false }

    fileprivate var formats: FormatSet? {
        self["formats"] == nil ? .any : list("formats", FormatSet.Pattern.init).map(FormatSet.init)
    }

    fileprivate var value: ParameterValue? {
        switch kind {
        case .string(let text): .string(text)
        case .integer(let number): .integer(number)
        case .number(let number): .number(number)
        case .boolean(let flag): .boolean(flag)
        default: nil
        }
    }
}

extension NeededLibrary {
    fileprivate init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let path = json["path"]?.string, let package = json["package"]?.string
        else { return nil }
        self.init(name: name, path: path, package: package)
    }
}

extension NodeSpec {
    fileprivate init?(_ json: JSONValue) {
        guard let type = json["type"]?.string, let summary = json["summary"]?.string,
            let work = json["work"]?.string.flatMap(NodeDescriptor.Work.init),
            let inputs = json.list("inputs", PortSpec.init), let outputs = json.list("outputs", PortSpec.init),
            let parameters = json.list("parameters", ParameterSpec.init),
            let controlInputs = json.list("control_inputs", ControlSpec.init),
            let controlOutputs = json.list("control_outputs", ControlSpec.init),
            let metrics = json.list("metrics", Metric.init)
        else { return nil }
        self.init(
            descriptor: NodeDescriptor(
                type, summary: summary, work: work,
                traits: NodeDescriptor.Traits(rawValue: json["traits"]?.integer ?? 0),
                example: json["example"]?.string, relief: json["relief"]?.string ?? "",
                unpacedIf: json["unpaced_if"].flatMap(NodeDescriptor.Condition.init)),
            inputs: inputs, outputs: outputs, parameters: parameters, controlInputs: controlInputs,
            controlOutputs: controlOutputs, metrics: metrics)
        settleVariants()
    }

    /// The variants' values take the types of the parameters that they stand for: JSON has one kind of number.
    private mutating func settleVariants() {
        func settle(_ port: inout PortSpec) {
            for index in port.variants.indices {
                let name = port.variants[index].parameter
                guard case .number? = parameters.first(where: { $0.name == name })?.type,
                    case .integer(let number) = port.variants[index].value
                else { continue }
                port.variants[index].value = .number(Double(number))
            }
        }
        for index in inputs.indices { settle(&inputs[index]) }
        for index in outputs.indices { settle(&outputs[index]) }
    }
}

extension NodeDescriptor.Condition {
    fileprivate init?(_ json: JSONValue) {
        guard let parameter = json["parameter"]?.string, let value = json["value"]?.value else { return nil }
        self.init(parameter, value)
    }
}

extension Metric {
    fileprivate init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let kind = json["kind"]?.string.flatMap(Kind.init),
            let help = json["help"]?.string
        else { return nil }
        self.init(name, kind, help: help)
    }
}

extension ServiceSpec {
    fileprivate init?(manifest json: JSONValue) {
        guard let type = json["type"]?.string, let scope = json["scope"]?.string.flatMap(ServiceDescriptor.Scope.init),
            let settings = json.list("settings", ParameterSpec.init)
        else { return nil }
        self.init(
            name: json["name"]?.string ?? "", type: type, summary: json["summary"]?.string ?? "", scope: scope,
            isLive: json.flag("live"), settings: settings)
    }
}

extension PortSpec {
    fileprivate init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let formats = json.formats,
            let variants = json.list("variants", FormatSet.Variant.init)
        else { return nil }
        self.init(
            name, formats, variants: variants, follows: json["follows"]?.string, isMany: json.flag("many"),
            isOptional: json.flag("optional"), buffer: json["buffer"].flatMap(EdgePolicy.Capacity.init(manifest:)))
    }
}

extension EdgePolicy.Capacity {
    fileprivate init?(manifest json: JSONValue) {
        guard let items = json["items"]?.integer, let milliseconds = json["ms"]?.integer else { return nil }
        self.init(
            items: items, milliseconds: milliseconds, bytes: json["bytes"]?.integer ?? EdgePolicy.Capacity.standardBytes
        )
    }
}

extension FormatSet.Variant {
    fileprivate init?(_ json: JSONValue) {
        guard let parameter = json["parameter"]?.string, let value = json["value"]?.value, let formats = json.formats
        else { return nil }
        self.init(parameter: parameter, value: value, formats: formats)
        isEnding = json.flag("ending")
    }
}

extension FormatSet.Pattern {
    fileprivate init?(_ json: JSONValue) {
        guard let kind = json["kind"]?.string.flatMap(MediaFormat.Kind.init),
            let codecs = json.optionalList("codecs", { $0.string.map(MediaFormat.Codec.init) }),
            let samples = json.optionalList("samples", { $0.string.flatMap(AudioLayout.SampleFormat.init) }),
            let rates = json.optionalList("rates", \.integer), let channels = json.optionalList("channels", \.integer),
            let pixels = json.optionalList("pixels", { $0.string.flatMap(VideoLayout.PixelFormat.init) }),
            let schemas = json.optionalList("schemas", DataSchema.init(manifest:))
        else { return nil }
        self.init(
            kind, codecs: codecs, sampleFormats: samples, rates: rates, channels: channels, pixelFormats: pixels,
            schemas: schemas)
    }
}

extension DataSchema {
    fileprivate init?(manifest json: JSONValue) {
        guard let name = json["name"]?.string, let fields = json.list("fields", DataSchema.Field.init(manifest:)) else {
            return nil
        }
        self.init(name, fields: fields)
    }
}

extension DataSchema.Field {
    fileprivate init?(manifest json: JSONValue) {
        guard let name = json["name"]?.string, let help = json["help"]?.string else { return nil }
        self.init(name, optional: json.flag("optional"), help: help)
    }
}

extension ParameterSpec {
    fileprivate init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let help = json["help"]?.string,
            let type = json["value_type"]?.string.flatMap({ ParameterSpec.type($0, json) })
        else { return nil }
        var value = json["default"]?.value
        if json["default"] != nil && value == nil { return nil }
        if case .number = type, case .integer(let number)? = value { value = .number(Double(number)) }
        var range: ClosedRange<Double>?
        if let bounds = json["range"] {
            guard let ends = bounds.array, ends.count == 2 else { return nil }
            let (low, high) = (ends[0].number ?? -.infinity, ends[1].number ?? .infinity)
            guard low <= high else { return nil }
            range = low...high
        }
        self.init(name, type, default: value, range: range, help: help, isLive: json.flag("live"))
        if json["starts_template_with"] != nil {
            guard let given = json.list("starts_template_with", \.string) else { return nil }
            template = TemplateUse(gives: given)
        }
    }

    private static func type(_ name: String, _ json: JSONValue) -> ParameterValue.Kind? {
        switch name {
        case "string": .string
        case "integer": .integer
        case "number": .number
        case "boolean": .boolean
        case "choice": json.list("choices", \.string).map(ParameterValue.Kind.choice)
        default: nil
        }
    }
}

extension ControlSpec {
    fileprivate init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let kind = json["kind"]?.string.flatMap(Kind.init),
            let help = json["help"]?.string, let fields = json.list("fields", DataSchema.Field.init(manifest:))
        else { return nil }
        self.init(name, kind, fields: fields, help: help)
    }
}
