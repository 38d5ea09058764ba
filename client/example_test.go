package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"signalbox"
	"signalbox/client"
)

func Example() {
	c := client.New("http://127.0.0.1:8080", os.Getenv("SIGNALBOX_API_KEY"))
	receipt, err := c.SendSignal(context.Background(), client.SignalInput{
		Type:       "demo_requested",
		Source:     "website",
		Account:    client.AccountInput{Domain: "acmecorp.com", Name: "Acme Corp"},
		Contact:    client.ContactInput{Email: "jane.doe@acmecorp.com", FirstName: "Jane", LastName: "Doe"},
		Properties: map[string]any{"demo_type": "product_tour"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("stored as", receipt.ID)
}

func ExampleClient_Signals() {
	c := client.New("http://127.0.0.1:8080", os.Getenv("SIGNALBOX_API_KEY"))
	for signal, err := range c.Signals(context.Background(), client.SignalQuery{AccountDomain: "acmecorp.com"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(signal.OccurredAt, signal.Type)
	}
}

func ExampleClient_Feed() {
	ctx := context.Background()
	c := client.New("http://127.0.0.1:8080", os.Getenv("SIGNALBOX_API_KEY"))
	hook, err := c.CreateWebhook(ctx, client.WebhookInput{Kind: "pull", Events: []string{"signal.*"}})
	if err != nil {
		log.Fatal(err)
	}
	for cursor := ""; ; {
		page, err := c.Feed(ctx, hook.ID, cursor, 25*time.Second)
		if err != nil {
			log.Fatal(err)
		}
		for _, event := range page.Events {
			fmt.Println(event.Event, string(event.Body))
		}
		cursor = page.NextCursor
	}
}

func ExampleError() {
	c := client.New("http://127.0.0.1:8080", os.Getenv("SIGNALBOX_API_KEY"))
	_, err := c.SendSignal(context.Background(), client.SignalInput{Type: "demo_requested", Source: "website", Contact: client.ContactInput{Email: "jane at acme"}})
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Code == signalbox.Invalid {
		fmt.Println("fix", refused.Param, "and send it again")
	}
}
