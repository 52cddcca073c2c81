/// Apart from all else, so that the rest can be linked into a program with a main of its own.
@main
enum Program {
    static func main() { Main.main() }
}
