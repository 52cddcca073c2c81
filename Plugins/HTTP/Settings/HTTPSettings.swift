/// The settings of `HTTPServer`, with its defaults.
struct HTTPSettings {
    var listen = "127.0.0.1:8889"
    var token = ""
    var certificate = ""
    var key = ""
    var connections = 2_048
    var connectionsPerAddress = 512
    var changesPerSecond = 100
}
