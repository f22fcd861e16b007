package server

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/julienschmidt/httprouter"
)

//go:embed static
var staticFiles embed.FS

// A staticFile is a file that pages load. Its name holds its hash, so that a
// browser need never ask again, and a new popsicle never meets an old script.
type staticFile struct {
	kind, tag string
	text      []byte
}

// assets returns the files by their names with the hash, and those names by
// the ones without. They are read when the first is asked for.
var assets = sync.OnceValues(readAssets)

func readAssets() (map[string]staticFile, map[string]string) {
	files, names := map[string]staticFile{}, map[string]string{}
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err) // they are in the program
	}
	for _, e := range entries {
		text, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(text)
		tag, ext := hex.EncodeToString(sum[:6]), path.Ext(e.Name())
		name := strings.TrimSuffix(e.Name(), ext) + "-" + tag + ext
		files[name], names[e.Name()] = staticFile{mime.TypeByExtension(ext), tag, text}, name
	}
	return files, names
}

// asset is where a page finds a file.
func asset(name string) string {
	_, hashed := assets()
	return "/static/" + hashed[name]
}

// static answers a file that pages load.
func (s *Server) static(_ *http.Request, p httprouter.Params) (any, error) {
	files, _ := assets()
	f, ok := files[p.ByName("file")]
	if !ok {
		return nil, &Problem{Status: http.StatusNotFound, Detail: "no file of this version has this name: load the page again"}
	}
	return f, nil
}

func (f staticFile) respond(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", `W/"`+f.tag+`"`) // weak: it may come compressed
	if hasTag(r.Header.Get("If-None-Match"), `"`+f.tag+`"`) {
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	_, err := w.Write(f.text)
	return err
}
