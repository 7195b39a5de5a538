//! Commands, files and sockets on a host, whatever way it is reached.
