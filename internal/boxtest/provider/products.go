package provider

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// BambooHR has employees by the cursor of its list, and tables of all employees at once (https://documentation.bamboohr.com/reference). Streams are
// "employees" and the names of tables. Whoever asks too often gets a 503 with Retry-After.
func BambooHR() *Server {
	return newServer(bamboo, func(s *Server, w http.ResponseWriter) {
		_, in := s.left()
		w.Header().Set("Retry-After", seconds(in))
		w.WriteHeader(http.StatusServiceUnavailable)
	})
}

func bamboo(s *Server, w http.ResponseWriter, r *http.Request) {
	if user, _, _ := r.BasicAuth(); user != Secret && !s.bearer(r) {
		w.WriteHeader(http.StatusUnauthorized) // it says nothing
		return
	}
	if table, ok := strings.CutPrefix(r.URL.Path, "/api/v1/employees/all/tables/"); ok {
		t := s.stream(table)
		rows := []Fields{}
		for _, id := range t.ids {
			rows = append(rows, t.record(id, "id", false))
		}
		write(w, http.StatusOK, rows)
		return
	}
	if r.URL.Path != "/api/v1/employees" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	q, t := r.URL.Query(), s.stream("employees")
	size, ok := sizeOf(q.Get("page[limit]"), 50, 100)
	after, valid := decodeCursor(q.Get("page[after]"))
	if !ok || !valid {
		write(w, http.StatusBadRequest, map[string]any{"error": "invalid page"})
		return
	}
	from := 0
	if after != "" {
		from = t.after(after)
	}
	data := []Fields{}
	ids := t.slice(from, size)
	for _, id := range ids {
		data = append(data, t.record(id, "employeeId", false))
	}
	page, links := map[string]any{"limit": size, "nextCursor": nil, "prevCursor": nil}, map[string]any{}
	if from+len(ids) < len(t.ids) {
		cursor := encodeCursor(ids[len(ids)-1])
		page["nextCursor"] = cursor
		links["next"] = map[string]any{"href": "https://" + r.Host + r.URL.Path + "?page%5Bafter%5D=" + cursor}
	}
	write(w, http.StatusOK, map[string]any{"data": data, "meta": map[string]any{"total": len(t.ids), "page": page}, "_links": links})
}

// Greenhouse is Harvest v3: tokens by client credentials, lists by descending id whose next page is a Link, a cursor beside which no other parameter may
// stand, ids and updated_at as filters (https://harvestdocs.greenhouse.io). Streams are "applications", "candidates", "interviews" and "job_posts".
func Greenhouse() *Server {
	return newServer(greenhouse, func(s *Server, w http.ResponseWriter) {
		_, in := s.left()
		w.Header().Set("Retry-After", seconds(in))
		s.harvestHeaders(w)
		write(w, http.StatusTooManyRequests, map[string]any{"errors": []string{"Rate limit exceeded"}})
	})
}

func (s *Server) harvestHeaders(w http.ResponseWriter) {
	left, in := s.left()
	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(max(s.most, 50)))
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(left))
	w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(in+time.Second-1).Unix(), 10))
}

// harvestCursor is what a cursor holds: everything that the first request asked for.
type harvestCursor struct {
	Below   int
	Size    int
	Updated string
}

func greenhouse(s *Server, w http.ResponseWriter, r *http.Request) {
	s.harvestHeaders(w)
	if !s.bearer(r) {
		write(w, http.StatusUnauthorized, map[string]any{"errors": []string{"Invalid access token"}})
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/v3/")
	if !ok || !slices.Contains([]string{"applications", "candidates", "interviews", "job_posts"}, name) {
		write(w, http.StatusNotFound, map[string]any{"errors": []string{"Resource not found"}})
		return
	}
	q, c := r.URL.Query(), harvestCursor{Below: 1 << 62}
	if text := q.Get("cursor"); text != "" {
		plain, valid := decodeCursor(text)
		if len(q) > 1 || !valid || json.Unmarshal([]byte(plain), &c) != nil {
			write(w, http.StatusUnprocessableEntity, map[string]any{"errors": []string{"When passing a cursor, do not include other query params."}})
			return
		}
	} else {
		var fits bool
		if c.Size, fits = sizeOf(q.Get("per_page"), 100, 500); !fits {
			write(w, http.StatusUnprocessableEntity, map[string]any{"errors": []string{"per_page must be between 1 and 500"}})
			return
		}
		c.Updated = strings.TrimPrefix(q.Get("updated_at"), "gte|")
	}
	list, more := s.stream(name).harvest(&c, q.Get("ids"))
	if more {
		text, _ := json.Marshal(c)
		w.Header().Set("Link", fmt.Sprintf(`<https://%s/v3/%s?cursor=%s>; rel="next"`, r.Host, name, encodeCursor(string(text))))
	}
	write(w, http.StatusOK, list)
}

// harvest lists by descending id, from a cursor, which it moves.
func (t *stream) harvest(c *harvestCursor, wanted string) (list []Fields, more bool) {
	var numbers []int
	for _, id := range t.ids {
		if n, _ := strconv.Atoi(id); n < c.Below && (wanted == "" || slices.Contains(strings.Split(wanted, ","), id)) {
			if updated, _ := t.fields[id]["updated_at"].(string); updated >= c.Updated {
				numbers = append(numbers, n)
			}
		}
	}
	slices.Sort(numbers)
	slices.Reverse(numbers)
	list = []Fields{}
	for _, n := range numbers[:min(c.Size, len(numbers))] {
		list = append(list, t.record(strconv.Itoa(n), "id", true))
		c.Below = n
	}
	return list, len(numbers) > len(list)
}

// HubSpot has contacts by a cursor, after, and by their ids (https://developers.hubspot.com/docs/api-reference/crm-contacts-v3). Its stream is "contacts".
func HubSpot() *Server {
	return newServer(hubspot, func(s *Server, w http.ResponseWriter) {
		s.hubspotHeaders(w)
		write(w, http.StatusTooManyRequests, map[string]any{"status": "error", "message": "You have reached your ten_secondly_rolling limit.",
			"errorType": "RATE_LIMIT", "correlationId": "c033cdaa", "policyName": "TEN_SECONDLY_ROLLING"})
	})
}

func (s *Server) hubspotHeaders(w http.ResponseWriter) {
	left, _ := s.left()
	w.Header().Set("X-HubSpot-RateLimit-Max", strconv.Itoa(max(s.most, 100)))
	w.Header().Set("X-HubSpot-RateLimit-Remaining", strconv.Itoa(left))
	w.Header().Set("X-HubSpot-RateLimit-Interval-Milliseconds", "10000")
}

func hubspot(s *Server, w http.ResponseWriter, r *http.Request) {
	s.hubspotHeaders(w)
	if !s.bearer(r) {
		write(w, http.StatusUnauthorized, map[string]any{"status": "error", "category": "INVALID_AUTHENTICATION", "message": "Authentication credentials not found."})
		return
	}
	const list = "/crm/v3/objects/contacts"
	t, q := s.stream("contacts"), r.URL.Query()
	contact := func(id string) Fields {
		f := t.fields[id]
		return Fields{"id": id, "properties": f, "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": time.Now().UTC().Format(time.RFC3339Nano), "archived": false}
	}
	if id, ok := strings.CutPrefix(r.URL.Path, list+"/"); ok {
		if t.fields[id] == nil {
			write(w, http.StatusNotFound, map[string]any{"status": "error", "category": "OBJECT_NOT_FOUND"})
			return
		}
		write(w, http.StatusOK, contact(id))
		return
	}
	size, fits := sizeOf(q.Get("limit"), 10, 100)
	if r.URL.Path != list || !fits {
		write(w, http.StatusBadRequest, map[string]any{"status": "error", "category": "VALIDATION_ERROR", "message": "limit must be at most 100"})
		return
	}
	from := 0
	if after := q.Get("after"); after != "" {
		from = t.after(after)
	}
	ids, results := t.slice(from, size), []Fields{}
	for _, id := range ids {
		results = append(results, contact(id))
	}
	body := map[string]any{"results": results}
	if from+len(ids) < len(t.ids) {
		last := ids[len(ids)-1]
		body["paging"] = map[string]any{"next": map[string]any{"after": last, "link": "https://" + r.Host + list + "?after=" + last}}
	}
	write(w, http.StatusOK, body)
}

// Generic pages in every way, by address: /page?page=&per_page=, /offset?offset=&limit=, /cursor?cursor= (in next_cursor and in X-Next-Cursor), /link, /next
// (whose next is an address) and /all; /items/{id} is one record. Lists lie in data, their number in meta.total and X-Total-Count. It takes a bearer, a basic
// password, and a key in the header X-Api-Key or the parameter key. Its stream is "items".
func Generic() *Server {
	return newServer(generic, func(s *Server, w http.ResponseWriter) {
		_, in := s.left()
		w.Header().Set("Retry-After", seconds(in))
		write(w, http.StatusTooManyRequests, map[string]any{"error": "too many requests"})
	})
}

func generic(s *Server, w http.ResponseWriter, r *http.Request) {
	q, t := r.URL.Query(), s.stream("items")
	_, password, _ := r.BasicAuth()
	if !s.bearer(r) && password != Secret && r.Header.Get("X-Api-Key") != Secret && q.Get("key") != Secret {
		write(w, http.StatusUnauthorized, map[string]any{"error": "unauthorized"})
		return
	}
	number := func(name string, otherwise int) int {
		n, err := strconv.Atoi(q.Get(name))
		if err != nil {
			return otherwise
		}
		return n
	}
	body := map[string]any{"meta": map[string]any{"total": len(t.ids)}}
	w.Header().Set("X-Total-Count", strconv.Itoa(len(t.ids)))
	size, from := min(number("limit", 10), 100), 0
	switch path, id, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); path {
	case "items":
		if t.fields[id] == nil {
			write(w, http.StatusNotFound, map[string]any{"error": "no such item"})
			return
		}
		write(w, http.StatusOK, map[string]any{"data": t.record(id, "id", false)})
		return
	case "page":
		size = min(number("per_page", 10), 100)
		from = (number("page", 1) - 1) * size
	case "offset":
		from = number("offset", 0)
	case "cursor", "link", "next":
		plain, _ := decodeCursor(q.Get("cursor"))
		if plain != "" {
			from = t.after(plain)
		}
		if from+size < len(t.ids) {
			cursor := encodeCursor(t.ids[from+size-1])
			next := path + "?limit=" + strconv.Itoa(size) + "&cursor=" + url.QueryEscape(cursor)
			if key := q.Get("key"); key != "" {
				next += "&key=" + url.QueryEscape(key) // as some do
			}
			switch path {
			case "cursor":
				body["next_cursor"] = cursor
				w.Header().Set("X-Next-Cursor", cursor)
			case "link":
				w.Header().Add("Link", `</prev>; rel="prev"`)
				w.Header().Add("Link", "</"+next+`>; title="a, b"; rel="last next"`)
			case "next":
				body["next"] = "/" + next
			}
		}
	case "all":
		size = len(t.ids)
	default:
		write(w, http.StatusNotFound, map[string]any{"error": "no such list"})
		return
	}
	data := []Fields{}
	for _, id := range t.slice(from, size) {
		data = append(data, t.record(id, "id", false))
	}
	body["data"] = data
	write(w, http.StatusOK, body)
}

// seconds are whole ones, rounded up, and at least one.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(int((d+time.Second-1)/time.Second), 1))
}
