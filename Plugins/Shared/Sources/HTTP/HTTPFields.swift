// They are a target of their own, since HTTPClient has them too: a second copy of the service's protocol in the process
// would be another protocol, by which no service is found.
@_exported import HTTPFields
