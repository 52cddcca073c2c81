import Sluice
import SluiceTesting

/// Not run here: explorations run one at a time, and the kit's own tests do this one.
enum Exploring {
    final class Shared {
        let count = ExplorerWord(0)
    }

    static func lostUpdate() -> String? {
        let result = Explorer.explore { explorer in
            let shared = Shared()
            for name in ["one", "two"] {
                explorer.thread(name) { shared.count.store(shared.count.load() + 1) }
            }
            explorer.finally { explorer.check(shared.count.load() == 2, "an update was lost") }
        }
        return result.failure
    }
}
