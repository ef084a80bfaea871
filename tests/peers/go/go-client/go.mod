// A program that asks Go's own resolver, as services written in Go do: no part of a module, only the standard library.
module clusterset-dns.test/peers/go-client

go 1.26.0
