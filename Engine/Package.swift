// swift-tools-version: 6.0
// The engine is a package of its own so that one libSluice.so is mapped at run time: inside one package SwiftPM
// embeds a copy of it in the host and in every plugin, and the copies share neither registry nor types.
import PackageDescription

let package = Package(
    name: "Engine",
    products: [
        .library(name: "Sluice", type: .dynamic, targets: ["Sluice"])
    ],
    targets: [
        .target(name: "CSys"),
        .target(name: "Sluice", dependencies: ["CSys"], plugins: ["ABIStamp"]),
        .plugin(name: "ABIStamp", capability: .buildTool(), dependencies: ["abi-stamp"]),
        .executableTarget(name: "abi-stamp"),
        .testTarget(name: "GraphTests", dependencies: ["Sluice"], path: "Tests/GraphTests"),
        .testTarget(name: "EdgeTests", dependencies: ["Sluice"], path: "Tests/EdgeTests"),
    ],
    swiftLanguageModes: [.v6]
)
