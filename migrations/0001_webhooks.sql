CREATE TABLE `webhooks` (
	`event_id` text PRIMARY KEY NOT NULL,
	`request_id` text NOT NULL,
	`number` integer NOT NULL,
	`event` text NOT NULL,
	`state` text NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`last_error` text,
	`created_at` integer NOT NULL,
	`delivered_at` integer,
	FOREIGN KEY (`request_id`) REFERENCES `requests`(`request_id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "webhooks_event" CHECK("webhooks"."event" in ('archived', 'failed', 'parked', 'cancelled')),
	CONSTRAINT "webhooks_state" CHECK("webhooks"."state" in ('pending', 'delivered', 'failed')),
	CONSTRAINT "webhooks_delivered_at" CHECK(("webhooks"."state" = 'delivered') = ("webhooks"."delivered_at" is not null))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `webhooks_by_request` ON `webhooks` (`request_id`,`number`);--> statement-breakpoint
CREATE INDEX `webhooks_pending` ON `webhooks` (`event_id`) WHERE state = 'pending';