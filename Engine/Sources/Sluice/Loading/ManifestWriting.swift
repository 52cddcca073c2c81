/// Manifest to JSON. Keys that hold their usual value are left out.
extension PluginManifest {
    var text: String {
        var writer = JSONValue.Writer(wrapDepth: 2)
        writer.object { top in
            top.key("manifest", PluginManifest.version)
            top.key("size", file.size)
            top.key("modified_ns", file.modified)
            top.key("engine", stamp)
            top.list("libraries", libraries) { library, json in
                json.key("name", library.name)
                json.key("path", library.path)
                json.key("package", library.package)
            }
            top.list("types", types) { $1.write($0) }
            top.list("services", services) { $1.write($0) }
        }
        return writer.text + "\n"
    }
}

extension JSONValue.Writer {
    fileprivate mutating func list<Element>(
        _ name: String, _ elements: [Element], _ body: (Element, inout JSONValue.Writer) -> Void
    ) {
        guard !elements.isEmpty else { return }
        key(name) { list in
            list.array { all in for element in elements { all.element { $0.object { body(element, &$0) } } } }
        }
    }

    private mutating func flag(_ name: String, _ value: Bool) { if value { key(name, true) } }

    fileprivate mutating func write(_ spec: NodeSpec) {
        key("type", spec.type)
        key("summary", spec.descriptor.summary)
        key("work", spec.descriptor.work.rawValue)
        if !spec.descriptor.traits.isEmpty { key("traits", spec.descriptor.traits.rawValue) }
        if let example = spec.descriptor.example { key("example", example) }
        if !spec.descriptor.relief.isEmpty { key("relief", spec.descriptor.relief) }
        if let condition = spec.descriptor.unpacedIf {
            key("unpaced_if") { json in
                json.object {
                    $0.key("parameter", condition.parameter)
                    $0.key("value") { $0.write(condition.value) }
                }
            }
        }
        list("inputs", spec.inputs) { $1.write($0) }
        list("outputs", spec.outputs) { $1.write($0) }
        list("parameters", spec.parameters) { $1.write($0) }
        list("control_inputs", spec.controlInputs) { $1.write($0) }
        list("control_outputs", spec.controlOutputs) { $1.write($0) }
        list("metrics", spec.metrics) { metric, json in
            json.key("name", metric.name)
            json.key("kind", metric.kind.rawValue)
            json.key("help", metric.help)
        }
    }

    fileprivate mutating func write(_ service: ServiceSpec) {
        key("type", service.type)
        if !service.name.isEmpty { key("name", service.name) }
        if !service.summary.isEmpty { key("summary", service.summary) }
        key("scope", service.scope.rawValue)
        flag("live", service.isLive)
        list("settings", service.settings) { $1.write($0) }
    }

    private mutating func write(_ port: PortSpec) {
        key("name", port.name)
        write(port.formats)
        list("variants", port.variants) { variant, json in
            json.key("parameter", variant.parameter)
            json.key("value") { $0.write(variant.value) }
            json.flag("ending", variant.isEnding)
            json.write(variant.formats)
        }
        if let follows = port.follows { key("follows", follows) }
        flag("many", port.isMany)
        flag("optional", port.isOptional)
        if let buffer = port.buffer {
            key("buffer") { json in
                json.object {
                    $0.key("items", buffer.items)
                    $0.key("ms", buffer.milliseconds)
                    if buffer.bytes != EdgePolicy.Capacity.standardBytes { $0.key("bytes", buffer.bytes) }
                }
            }
        }
    }

    /// Left out where any media fit.
    private mutating func write(_ formats: FormatSet) {
        guard formats != .any else { return }
        key("formats") { set in
            set.array { all in
                for pattern in formats.patterns { all.element { $0.object { $0.write(pattern) } } }
            }
        }
    }

    private mutating func write(_ pattern: FormatSet.Pattern) {
        key("kind", pattern.kind.rawValue)
        strings("codecs", pattern.codecs?.map(\.name))
        strings("samples", pattern.sampleFormats?.map(\.rawValue))
        integers("rates", pattern.rates)
        integers("channels", pattern.channels)
        strings("pixels", pattern.pixelFormats?.map(\.rawValue))
        if let schemas = pattern.schemas {
            key("schemas") { json in
                json.array { all in for schema in schemas { all.element { $0.object { $0.write(schema) } } } }
            }
        }
    }

    private mutating func write(_ schema: DataSchema) {
        key("name", schema.name)
        list("fields", schema.fields) { $1.write($0) }
    }

    private mutating func write(_ field: DataSchema.Field) {
        key("name", field.name)
        key("help", field.help)
        flag("optional", field.isOptional)
    }

    private mutating func strings(_ name: String, _ values: [String]?) {
        guard let values else { return }
        key(name) { $0.array { all in for value in values { all.element { $0.quote(value) } } } }
    }

    private mutating func integers(_ name: String, _ values: [Int]?) {
        guard let values else { return }
        key(name) { $0.array { all in for value in values { all.element { $0.raw(String(value)) } } } }
    }

    private mutating func write(_ parameter: ParameterSpec) {
        key("name", parameter.name)
        key("value_type", parameter.type.name)
        if case .choice(let choices) = parameter.type { strings("choices", choices) }
        if let value = parameter.defaultValue { key("default") { $0.write(value) } }
        if let range = parameter.range {
            key("range") { json in
                json.array {
                    $0.element { $0.write(.number(range.lowerBound)) }
                    $0.element { $0.write(.number(range.upperBound)) }
                }
            }
        }
        key("help", parameter.help)
        flag("live", parameter.isLive)
        if let template = parameter.template { strings("starts_template_with", template.gives) }
    }

    private mutating func write(_ control: ControlSpec) {
        key("name", control.name)
        key("kind", control.kind.rawValue)
        list("fields", control.fields) { $1.write($0) }
        key("help", control.help)
    }

    /// A number that JSON lacks is null: the end of a range that is open there.
    private mutating func write(_ value: ParameterValue) {
        switch value {
        case .string(let text): quote(text)
        case .integer(let number): raw(String(number))
        case .number(let number): raw(number.isFinite ? String(number) : "null")
        case .boolean(let flag): raw(String(flag))
        }
    }
}
