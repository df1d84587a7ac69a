"""Stand-in for the `tls` provider: private keys, certificates and requests, made with `cryptography`."""
