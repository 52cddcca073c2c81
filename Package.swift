// swift-tools-version: 6.0
// The root package: plugins, the command and the tests. The engine and the code that plugins share are packages of
// their own, so that each is one dynamic library in the process (see Engine/Package.swift).
import PackageDescription

let engine: Target.Dependency = .product(name: "Sluice", package: "Engine")

/// One folder in Plugins/, one target, one dynamic library.
func plugin(_ name: String, uses dependencies: [Target.Dependency] = []) -> Target {
    .target(name: "\(name)Plugin", dependencies: [engine] + dependencies, path: "Plugins/\(name)")
}

/// A C library of Debian's by its pkg-config name.
func library(_ name: String, _ pkgConfig: String, _ debian: String) -> Target {
    .systemLibrary(name: name, path: "Plugins/\(name)", pkgConfig: pkgConfig, providers: [.apt([debian])])
}

let plugins: [Target] = [
    plugin("Bench"),
    plugin("Flow"),
    plugin("Raw"),
]

/// Tests of one plugin, in Tests/<Name>Tests.
func tests(_ name: String, uses dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [engine, .target(name: "\(name)Plugin")] + dependencies,
        path: "Tests/\(name)Tests")
}

let tests: [Target] = [
    tests("Flow"),
    tests("Raw"),
]

let package = Package(
    name: "sluice",
    products: plugins.map { .library(name: $0.name, type: .dynamic, targets: [$0.name]) },
    dependencies: [.package(path: "Engine")],
    targets: plugins + tests,
    swiftLanguageModes: [.v6]
)
