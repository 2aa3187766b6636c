package api

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
)

// compressible are the types that get smaller. XLSX and PDF are compressed
// already; an event of a stream is for now and waits for no other.
var compressible = []string{"application/json", "application/problem+json", "application/openapi+json",
	"application/xml", "text/html", "text/css", "text/javascript", "text/csv", "image/svg+xml"}

// compress answers in gzip those who accept it. Tags stay as they are: they
// name a version of what is told, whichever way it travels, and are sent back
// in If-Match.
var compress = func() func(http.Handler) http.HandlerFunc {
	wrap, err := gzhttp.NewWrapper(gzhttp.ContentTypes(compressible), gzhttp.EnableZstd(false),
		gzhttp.SetContentType(false), gzhttp.MinSize(1400)) // what fits a packet travels no faster
	if err != nil {
		panic(err) // these options are compiled in
	}
	return wrap
}()
