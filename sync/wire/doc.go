// Package wire is the language of the socket protocol tandem.sync.v1: its frames as types, the strict reading of what clients
// send, the bytes of what servers send, its limits, error codes and close codes. The short names of the wire (conv, turn,
// ver, tz) are translated to the product's names here and nowhere else.
//
// Transcripts under testdata show every frame; the browser's tests read the same files.
package wire
