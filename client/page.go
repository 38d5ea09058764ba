package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// list walks every page of a list, newest first. An error ends it and is its last element.
func list[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return walk(ctx, c, path, query, func(answer []byte) ([]T, string, error) {
		var page data[[]T]
		err := json.Unmarshal(answer, &page)
		return page.Data, page.Meta.NextCursor, err
	})
}

// walk asks for page after page until there is none; read takes one apart.
func walk[T any](ctx context.Context, c *Client, path string, query url.Values, read func([]byte) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		query := clone(query)
		for {
			var answer json.RawMessage
			if err := c.do(ctx, call{method: http.MethodGet, path: path, query: query}, &answer); err != nil {
				yield(none, err)
				return
			}
			rows, next, err := read(answer)
			if err != nil {
				yield(none, fmt.Errorf("GET %s: the answer is not what this client knows: %w", path, err))
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			query.Set("cursor", next)
		}
	}
}

// clone keeps an iterator that is used twice from beginning where the first use ended.
func clone(query url.Values) url.Values {
	out := make(url.Values, len(query)+1)
	for name, values := range query {
		out[name] = values
	}
	return out
}

// params builds a query from what is set.
type params url.Values

func (p params) text(name, value string) params {
	if value != "" {
		url.Values(p).Set(name, value)
	}
	return p
}

func (p params) number(name string, value int) params {
	if value != 0 {
		url.Values(p).Set(name, strconv.Itoa(value))
	}
	return p
}

func (p params) time(name string, value time.Time) params {
	if !value.IsZero() {
		url.Values(p).Set(name, value.UTC().Format(time.RFC3339Nano))
	}
	return p
}

func (p params) query() url.Values { return url.Values(p) }

// id escapes an id that stands in a path, so that no text can name another route.
func id(text string) string {
	if text == "" || text == "." || text == ".." {
		return "%20" // an empty id would name the list: let it be unknown instead
	}
	return url.PathEscape(text)
}
