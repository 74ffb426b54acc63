//! The codec of HTTP/1.1 answers: against hyper's, against bytes of any kind, and over sockets.

mod answers;
mod cuts;
mod differential;
mod hyper_client;
mod inputs;
mod malformed;
