// Types of the console. Only the checker reads them: the browser runs the modules as
// they are.

/** A message of the service: a code and its values, whose words the console has. */
interface Message {
  code?: string;
  values?: Record<string, string>;
}

/** A page fills its root, and gives back its keys and its end. */
interface Page {
  keys?: Record<string, (e: KeyboardEvent) => void>;
  close?(): void;
}

/** What an element is made of: attributes, listeners (onclick …), and flags. */
type Attributes = Record<string, any>;

/** What an element holds. Nothing is made of null and false. */
type Child = any;
