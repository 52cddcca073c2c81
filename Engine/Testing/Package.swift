// swift-tools-version: 6.0
// The test kit is a package of its own for the reason that the engine is: beside the engine's targets it would embed a
// second copy of the engine in every test, with a registry and types of its own.
import PackageDescription

let engine: Target.Dependency = .product(name: "Sluice", package: "Engine")

let package = Package(
    name: "Testing",
    products: [
        .library(name: "SluiceTesting", targets: ["SluiceTesting"])
    ],
    dependencies: [.package(name: "Engine", path: "..")],
    targets: [
        .target(name: "CCoroutine"),
        // Optimized in every build: explorations run a program millions of times.
        .target(
            name: "SluiceTesting", dependencies: [engine, "CCoroutine"],
            swiftSettings: [.unsafeFlags(["-O", "-enforce-exclusivity=unchecked"])]),
        .testTarget(name: "RuntimeTests", dependencies: [engine, "SluiceTesting"]),
        .testTarget(name: "StressTests", dependencies: [engine, "SluiceTesting"]),
        .testTarget(name: "HarnessTests", dependencies: [engine, "SluiceTesting"]),
        .testTarget(
            name: "ExplorerTests", dependencies: [engine, "SluiceTesting"],
            swiftSettings: [.unsafeFlags(["-O", "-enforce-exclusivity=unchecked"])]),
    ],
    swiftLanguageModes: [.v6]
)
