//! Sockets: queries in, replies out, over UDP, TCP and gRPC.
