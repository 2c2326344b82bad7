// Package web holds the built browser client.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var files embed.FS

// Dist gives the files of the built client; index.html lies at the root.
func Dist() fs.FS {
	dist, err := fs.Sub(files, "dist")
	if err != nil {
		panic(err) // the folder is part of the binary
	}
	return dist
}
