import HTTP
import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ registry: UnsafeMutableRawPointer) {
    Plugin.open(registry) {
        $0.provide(HTTPServer.self, as: (any HTTPService).self)
    }
}
