// What a page does with JavaScript: times stay true, and changes arrive by themselves.
