import Glibc
import Testing

@testable import Sluice

@Suite struct Dump {
    @Test func dump() throws {
        func write(_ path: String, _ text: String) {
            let f = fopen(path, "w")
            fputs(text, f)
            fclose(f)
        }
        write("/tmp/g1.svg", GraphDrawing(try load(example)).text(.svg))
        let d = GraphDrawing(try load(DrawingTests.talk, environment: ["KEY": "k"]))
        write("/tmp/g2.svg", d.text(.svg))
        write("/tmp/g2.dot", d.text(.dot))
        write("/tmp/g2.mmd", d.text(.mermaid))
        write("/tmp/graph.schema.json", GraphSchema(catalog).text)
        write("/tmp/example.json", example)
        write("/tmp/talk.json", DrawingTests.talk)
    }
}
