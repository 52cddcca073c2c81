import HTTP

/// The service's word on the head of a request.
enum Admission {
    /// Answered at once; the body is not read.
    case answer(HTTPResponse)
    /// To be handed over when the body is there.
    case exchange(HTTPRoute, HTTPRequest, post: @Sendable (HTTPExchange) -> Bool)
    case socket(HTTPRequest, subprotocol: String?, lease: UInt64, post: @Sendable (WebSocketEvent) -> Bool)
}

/// The fields that pages of other origins need in an answer (Fetch Standard, section 3.2): they carry the token in a
/// header, never a cookie, so every origin may read.
enum Sharing {
    static func fields(_ route: HTTPRoute, to headers: HTTPHeaders) -> HTTPHeaders {
        guard let exposes = route.exposes, headers["Origin"] != nil else { return [:] }
        var fields: HTTPHeaders = ["Access-Control-Allow-Origin": "*"]
        if !exposes.isEmpty { fields["Access-Control-Expose-Headers"] = exposes.joined(separator: ", ") }
        return fields
    }

    /// The answer to OPTIONS. A page that asks for other headers than those may not send them.
    static func options(_ fit: RouteTable.Fit, to headers: HTTPHeaders) -> HTTPResponse {
        let allowed = fit.allowed.map(\.rawValue).joined(separator: ", ")
        // 200, which RFC 9725, section 4.2, names.
        var response = HTTPResponse(200, headers: ["Allow": allowed])
        for entry in fit.entries {
            guard case .route(let route, _) = entry.entry.target else { continue }
            for field in route.optionsHeaders.fields where response.headers[field.name] == nil {
                response.headers.add(field.name, field.value)
            }
        }
        guard let route = fit.shared, headers["Origin"] != nil else { return response }
        for field in fields(route, to: headers).fields { response.headers.add(field.name, field.value) }
        permit(allowed, in: &response)
        response.headers["Access-Control-Max-Age"] = "600"
        return response
    }

    /// The answer where nothing is served, or not yet. A page of another origin may know that. Else its browser says no
    /// more than that the request has failed, and sends none at all where `isPreflight` is refused.
    static func absent(to headers: HTTPHeaders, isPreflight: Bool) -> HTTPResponse {
        let isAsked = isPreflight && headers["Access-Control-Request-Method"] != nil && headers["Origin"] != nil
        var response = isAsked ? HTTPResponse(204) : .refusal(404, "There is nothing here.")
        guard headers["Origin"] != nil else { return response }
        response.headers["Access-Control-Allow-Origin"] = "*"
        if isAsked { permit("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", in: &response) }
        return response
    }

    private static func permit(_ methods: String, in response: inout HTTPResponse) {
        response.headers["Access-Control-Allow-Methods"] = methods
        response.headers["Access-Control-Allow-Headers"] =
            "Authorization, Content-Type, If-Match, If-None-Match, Accept"
    }
}
