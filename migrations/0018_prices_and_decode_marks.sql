CREATE TABLE `decode_marks` (
	`request_id` text NOT NULL,
	`image_index` integer NOT NULL,
	`attempts` integer NOT NULL,
	PRIMARY KEY(`request_id`, `image_index`),
	FOREIGN KEY (`request_id`) REFERENCES `requests`(`request_id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `reference_price` (
	`id` integer PRIMARY KEY NOT NULL,
	`price_micros` integer NOT NULL,
	`price_currency` text NOT NULL,
	`set_at` integer NOT NULL,
	CONSTRAINT "reference_price_is_one" CHECK("reference_price"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE `reuse_prices` (
	`row_number` integer PRIMARY KEY NOT NULL,
	`request_id` text NOT NULL,
	`images` integer NOT NULL,
	`price_micros` integer NOT NULL,
	`price_currency` text NOT NULL,
	`reused_at` integer NOT NULL,
	FOREIGN KEY (`request_id`) REFERENCES `requests`(`request_id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `reuse_prices_request_id_unique` ON `reuse_prices` (`request_id`);--> statement-breakpoint
ALTER TABLE `calls` ADD `price_micros` integer;--> statement-breakpoint
ALTER TABLE `calls` ADD `price_currency` text;