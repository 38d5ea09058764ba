package connector

import (
	"bytes"
	"fmt"
	"testing"
)

// thousand is a page of 1,000 records of ten fields, as providers write them: keys in no order.
func thousand() []byte {
	var b bytes.Buffer
	b.WriteString(`{"data":[`)
	for i := range 1000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%d","firstName":"First %d","lastName":"Last %d","workEmail":"person%d@acme.example.com","jobTitle":"Engineer","department":"Research",`+
			`"location":{"city":"Berlin","country":"DE"},"hireDate":"2024-05-01","manager":null,"salaryBand":%d}`, i, i, i, i, i%7)
	}
	b.WriteString(`],"meta":{"total":1000,"page":{"nextCursor":null}}}`)
	return b.Bytes()
}

func benchmarkRead(b *testing.B, c Config) {
	body, r := thousand(), newReader(c)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		a, err := r.read(body)
		if err != nil || len(a.records) != 1000 {
			b.Fatal(len(a.records), err)
		}
	}
}

func BenchmarkRead1000(b *testing.B) { benchmarkRead(b, Config{Records: "data", ID: "id"}) }

func BenchmarkRead1000_Excluding(b *testing.B) {
	benchmarkRead(b, Config{Records: "data", ID: "id", Exclude: []string{"location.city", "salaryBand"}})
}

func BenchmarkRead1000_Chosen(b *testing.B) {
	benchmarkRead(b, Config{Records: "data", ID: "id", Fields: []string{"firstName", "lastName", "workEmail", "location.country"}})
}

func BenchmarkCSV1000(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("id,firstName,lastName,workEmail,jobTitle,department,city,country,hireDate,band\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "%d,First %d,Last %d,person%d@acme.example.com,Engineer,Research,Berlin,DE,2024-05-01,%d\n", i, i, i, i, i%7)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		t, err := newTable(text.Bytes(), Config{ID: "id"})
		if err != nil {
			b.Fatal(err)
		}
		for range 1000 {
			if _, err := t.read(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkUnify(b *testing.B) {
	all, err := Definitions("")
	if err != nil {
		b.Fatal(err)
	}
	a, err := newReader(Config{Records: "data", ID: "id"}).read(thousand())
	if err != nil {
		b.Fatal(err)
	}
	s := all["bamboohr"].Stream("employees")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Unify(a.records[7]); err != nil {
			b.Fatal(err)
		}
	}
}
