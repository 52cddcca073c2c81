import Testing

@testable @_spi(Host) import Sluice

@Suite struct SchemaTests {
    private let schema = GraphSchema(catalog)

    @Test func `The schema is JSON, and the same catalog gives the same bytes`() throws {
        #expect(try JSONValue.parse(Array(schema.text.utf8), file: "s") == schema.json)
        #expect(schema.text == GraphSchema(catalog).text)
    }

    @Test func `Every type has its parameters with help, default and range`() throws {
        let types = schema.json["definitions"]?["node"]?["properties"]?["type"]?["enum"]?.array?.compactMap(\.string)
        #expect(types == catalog.types)
        let pacer = schema.json["definitions"]?["type-pacer"]
        #expect(pacer?["additionalProperties"]?.boolean == false)
        let frame = pacer?["properties"]?["frame_ms"]?["anyOf"]?.array
        #expect(
            frame == [
                ["description": "cadence in ms", "default": 20, "type": "integer", "minimum": 5, "maximum": 120],
                ["$ref": "#/definitions/reference"],
            ])
        let bounds = pacer?["properties"]?["bounds"]
        #expect(bounds?["additionalProperties"]?.boolean == false)
        #expect(bounds?["properties"]?["least_ms"]?["anyOf"]?.array?.first?["default"] == 1)
        let record = schema.json["definitions"]?["type-record"]
        #expect(record?["required"] == ["type", "path"])
    }
}
