import Foundation
import PackagePlugin

/// Gives the engine a Swift file that carries its ABI stamp: see `abi-stamp`.
@main
struct ABIStamp: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
        let engine = context.package.directoryURL
        let sources = context.package.targets.filter { ["Sluice", "CSys"].contains($0.name) }
            .compactMap { $0 as? any SourceModuleTarget }
            .flatMap { $0.sourceFiles.filter { $0.type == .source || $0.type == .header }.map(\.url) }
            .sorted { $0.path < $1.path }
        let output = context.pluginWorkDirectoryURL.appending(path: "EngineStamp.swift")
        // The toolchain's own compiler where SwiftPM tells it, else the one in PATH.
        let compiler = (try? context.tool(named: "swiftc"))?.url.path ?? "swiftc"
        return [
            .buildCommand(
                displayName: "Stamping the engine",
                executable: try context.tool(named: "abi-stamp").url,
                arguments: [output.path, compiler, engine.path] + sources.map(\.path),
                inputFiles: sources,
                outputFiles: [output])
        ]
    }
}
