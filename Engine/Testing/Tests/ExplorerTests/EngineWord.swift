import SluiceTesting

@testable import Sluice

/// The engine's rings and doors, which are written over any atomic word, run over the explorer's.
extension ExplorerWord: AtomicWord {}
