// Package console is the web page inside the binary: what the center sees of
// the service as it works. It shows what the API hands it, and no more than
// the key that was entered may see.
package console

import (
	"embed"
	"io/fs"
	"net/http"

	"github.com/go-chi/chi/v5"
)

//go:embed static
var static embed.FS

// Mount adds the pages to a router.
func Mount(r chi.Router) {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	server := http.FileServerFS(files)
	r.Method(http.MethodGet, "/", server)
	for _, name := range []string{"/console.css", "/print.css", "/icon.svg", "/app.js", "/words.js", "/queue.js", "/cases.js", "/statistics.js", "/operations.js", "/patterns.js"} {
		r.Method(http.MethodGet, name, server)
	}
}
