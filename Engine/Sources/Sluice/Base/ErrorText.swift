import CSys

/// The words for an `errno` value: "No such file or directory".
public func errorText(_ code: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        sys_error_text(code, buffer.baseAddress!, 256)
        return String(cString: buffer.baseAddress!)
    }
}
