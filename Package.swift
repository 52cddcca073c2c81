// swift-tools-version: 6.0
// The root package: plugins, the command and the tests. The engine and the code that plugins share are packages of
// their own, so that each is one dynamic library in the process (see Engine/Package.swift).
import PackageDescription

let engine: Target.Dependency = .product(name: "Sluice", package: "Engine")
/// Swift's face on libav; `import CLibAV` beside `import LibAV` reaches the C functions themselves.
let libav: Target.Dependency = .product(name: "LibAV", package: "Shared")

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
    plugin("Files", uses: [libav]),
    plugin("Flow"),
]

let package = Package(
    name: "sluice",
    products: plugins.map { .library(name: $0.name, type: .dynamic, targets: [$0.name]) },
    dependencies: [.package(path: "Engine"), .package(path: "Plugins/Shared")],
    targets: plugins,
    swiftLanguageModes: [.v6]
)
