import Testing

@testable @_spi(Host) import Sluice

/// The declarations of a plugin's author are checked when its manifest is made.
@Suite struct SpecCheckTests {
    private let good = NodeSpec(
        descriptor: NodeDescriptor("gain", summary: "Scales"), inputs: [PortSpec("in", .rawAudio)],
        outputs: [PortSpec("out", .rawAudio, follows: "in")],
        parameters: [ParameterSpec("gain_db", .number, default: .integer(0), range: -60...24, help: "gain")],
        controlInputs: [ControlSpec("gain_db", .value, help: "gain")])

    private func mistake(_ change: (inout NodeSpec) -> Void) -> String? {
        var spec = good
        change(&spec)
        return SpecCheck.mistake(in: spec)
    }

    private func described(_ type: String, summary: String = "Scales") -> NodeDescriptor {
        NodeDescriptor(type, summary: summary)
    }

    @Test func `What is in order has no mistake`() {
        #expect(SpecCheck.mistake(in: good) == nil)
        #expect(mistake { $0.descriptor = described("a2-b3") } == nil)
        #expect(mistake { $0.parameters.append(ParameterSpec("latency.most_ms", .string, help: "")) } == nil)
    }

    @Test(arguments: ["Gain", "gain_db", "gain--db", "-gain", "gain-", "", "2gain", "gän", "a b"])
    func `A type is lower case with hyphens`(name: String) {
        #expect(mistake { $0.descriptor = described(name) } == "its name is no lower case with hyphens, as noise-gate")
    }

    @Test func `A type has a summary`() {
        #expect(mistake { $0.descriptor = described("gain", summary: "") } == "it has no summary")
    }

    @Test func `Nothing is there twice`() {
        #expect(mistake { $0.inputs.append($0.inputs[0]) } == "it has two inputs \"in\"")
        #expect(mistake { $0.outputs.append($0.outputs[0]) } == "it has two outputs \"out\"")
        #expect(mistake { $0.parameters.append($0.parameters[0]) } == "it has two parameters \"gain_db\"")
        #expect(
            mistake { $0.controlInputs.append($0.controlInputs[0]) } == "it takes the control \"gain_db\" twice")
        #expect(
            mistake { $0.parameters = [ParameterSpec("mode", .choice(["a", "b", "a"]), help: "")] }
                == "parameter \"mode\" has the choice \"a\" twice")
    }

    @Test func `A port follows an input and depends on a parameter that are there`() {
        #expect(
            mistake { $0.outputs = [PortSpec("out", .rawAudio, follows: "inn")] }
                == "output \"out\" follows \"inn\", which is none of its inputs")
        let variant = FormatSet.Variant(parameter: "decode", value: .boolean(true), formats: .rawAudio)
        #expect(
            mistake { $0.outputs = [PortSpec("out", .rawAudio, variants: [variant])] }
                == "output \"out\" depends on \"decode\", which is none of its parameters")
    }

    @Test func `A default is of its parameter's type and in its range`() {
        func message(_ parameter: ParameterSpec) -> String? { mistake { $0.parameters = [parameter] } }
        #expect(
            message(ParameterSpec("gain_db", .number, default: .number(30), range: -60...24, help: ""))
                == "parameter \"gain_db\": its default 30 is outside of its range -60 to 24")
        #expect(
            message(ParameterSpec("size", .integer, default: .string("a"), help: ""))
                == "parameter \"size\": its default \"a\" is not an integer")
        #expect(
            message(ParameterSpec("mode", .choice(["a", "b"]), default: .string("c"), help: ""))
                == "parameter \"mode\": its default \"c\" is not one of \"a\", \"b\"")
    }

    @Test func `Keys that every node has are no parameters of one`() {
        #expect(
            mistake { $0.parameters = [ParameterSpec("lane", .string, default: .string(""), help: "")] }
                == "parameter \"lane\": every node has that key already")
    }
}
