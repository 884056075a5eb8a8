// A key and a self-signed certificate for "elsewhere.test", made for these tests alone: no secret, trusted by nobody.

/** The private key. */
export const SELF_SIGNED_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGZgAyPduW8Zunbe6
C/cJDPgAjEUBbKZ7L+oAJ0Hr/jehRANCAATCd5s+W9ecmS5JiXTda+0orEgcGx7A
HcSU1yo8FT9MhPgmFy3a0SbeIG+HoYWUMcGR3PoV11YYd8VaqdUCabxZ
-----END PRIVATE KEY-----`;

/** Its certificate, valid for a hundred years. */
export const SELF_SIGNED_CERT = `-----BEGIN CERTIFICATE-----
MIIBpDCCAUqgAwIBAgIUETgPlZzuvzveqqO7OrbQkra7zrkwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOZWxzZXdoZXJlLnRlc3QwIBcNMjYxMTIzMDYyMzM2WhgPMjEy
NjEwMzAwNjIzMzZaMBkxFzAVBgNVBAMMDmVsc2V3aGVyZS50ZXN0MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEwnebPlvXnJkuSYl03WvtKKxIHBsewB3ElNcqPBU/
TIT4Jhct2tEm3iBvh6GFlDHBkdz6FddWGHfFWqnVAmm8WaNuMGwwHQYDVR0OBBYE
FGIZhuQDj3cLDcuPi9pNOBNp7vkeMB8GA1UdIwQYMBaAFGIZhuQDj3cLDcuPi9pN
OBNp7vkeMA8GA1UdEwEB/wQFMAMBAf8wGQYDVR0RBBIwEIIOZWxzZXdoZXJlLnRl
c3QwCgYIKoZIzj0EAwIDSAAwRQIgHC8n5Lb8yjsFs52wBFmjIJdQDJILdDNrj6ta
uw+vDjkCIQDdQm/a8QY7m069ZF2+AxaZHxzdgZmgYRhn+6xP5nUoVg==
-----END CERTIFICATE-----`;
