// Package console is the web page inside the binary: what the center sees of
// the service as it works. It shows what the API hands it, and no more than
// the key that was entered may see.
//
// The charts' library, Apache ECharts, comes from npm: make build puts it into
// static/lib. Without it the pages have their tables.
package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"stopline.internal/stream/event/words"
)

//go:embed static
var static embed.FS

// Charts is the size of the charts' library in bytes; 0 when it was not built in.
func Charts() int {
	b, err := fs.ReadFile(static, "static/lib/echarts.js")
	if err != nil {
		return 0
	}
	return len(b)
}

// Mount adds the pages to a router, and with them the words of what the service
// says, as /messages.js. A browser keeps them until they change.
func Mount(r chi.Router) {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	server := http.FileServerFS(files)
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		path := "/" + name
		if name == "index.html" {
			path = "/"
		}
		r.Get(path, kept(content, server))
		return nil
	})
	if err != nil {
		panic(err)
	}
	messages := words.Script()
	r.Get("/messages.js", kept(messages, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.ServeContent(w, req, "messages.js", time.Time{}, bytes.NewReader(messages))
	})))
}

// kept lets a browser keep a file until its content changes.
func kept(content []byte, server http.Handler) http.HandlerFunc {
	sum := sha256.Sum256(content)
	tag := `W/"` + hex.EncodeToString(sum[:8]) + `"`
	return func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "no-cache") // ask whether it changed
		server.ServeHTTP(w, req)
	}
}
